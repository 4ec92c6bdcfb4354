import { refuse } from '../../core/error';
import type { Workload } from '../../workloads/k8s/workload';
import { FEAST_PORTS } from './feast-ports';
import type { FeatureStore } from './feature-store';
import type { IFeatureGroup } from './imported-feature-group';

/**
 * Access to one feature group. A grant opens the network and says where the group is. One server answers for all groups of a store and knows no
 * users, so that whoever may read one group of it can read the others, and write them.
 */
export class FeatureGroupGrants {
  constructor(
    private readonly featureGroup: IFeatureGroup,
    /** Its store, where that is made in this app; without it only the way out of the workload is opened. */
    private readonly store?: FeatureStore,
  ) {}

  /**
   * Lets a workload read the newest values: `POST $FEAST_URL/get-online-features`. It finds the view in `FEAST_VIEW_<NAME>`, in capitals and with
   * `_` for `-`, and the project in `FEAST_PROJECT`.
   */
  public read(workload: Workload): void {
    this.reach(workload);
    workload.addEnvironment(`FEAST_VIEW_${this.variable}`, this.featureGroup.featureGroupName);
  }

  /** Lets a workload write values: `POST $FEAST_URL/push`. It finds the source to push to in `FEAST_PUSH_<NAME>`. */
  public write(workload: Workload): void {
    this.reach(workload);
    workload.addEnvironment(`FEAST_PUSH_${this.variable}`, this.featureGroup.pushSourceName);
  }

  /**
   * Lets a workload read history with Feast's SDK, for training: the settings of a client are mounted and named in `FEAST_FS_YAML_FILE_PATH`, and the
   * store runs an offline and a registry server for it.
   *
   * @throws Millrace.FeastHistoryMissing, Millrace.FeastClientNamespace
   */
  public readOffline(workload: Workload): void {
    if (!this.store) {
      refuse(`${this.featureGroup.node.path} grants.readOffline`, {
        code: 'Millrace.FeastHistoryMissing',
        subject: 'store',
        received: 'an imported feature group',
        allowed: 'a group of a FeatureStore of this app, which runs servers of history for those who are granted it',
        fix: 'grant it where the store is made',
      });
    }
    this.store._connectClient(workload);
    workload.addEnvironment('FEAST_PROJECT', this.featureGroup.projectName);
    workload.addEnvironment(`FEAST_VIEW_${this.variable}`, this.featureGroup.featureGroupName);
  }

  private reach(workload: Workload): void {
    const { url, projectName, podSelector, namespace } = this.featureGroup;
    if (this.store) this.store._connect(workload, 'online');
    else workload.allowToPods(podSelector, FEAST_PORTS.online, namespace);
    workload.addEnvironment('FEAST_URL', url);
    workload.addEnvironment('FEAST_PROJECT', projectName);
  }

  private get variable(): string {
    return this.featureGroup.featureGroupName.toUpperCase().replace(/-/g, '_');
  }
}
