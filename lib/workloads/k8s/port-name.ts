/** Name under which the container port, the service port and the probes find each other. */
export const PORT_NAME = 'http';
