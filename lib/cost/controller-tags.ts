/** Provisioners of EBS volumes, which take their tags from the parameters of a StorageClass. */
export const EBS_PROVISIONERS: readonly string[] = ['ebs.csi.aws.com', 'ebs.csi.eks.amazonaws.com'];

/** Annotation from which the AWS load balancer controller tags a network load balancer. */
export const NLB_TAGS = 'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags';

/** Annotation from which the AWS load balancer controller tags an application load balancer. */
export const ALB_TAGS = 'alb.ingress.kubernetes.io/tags';
