import { z } from 'zod';
import { gatewayFields, hubFields, jupyterFields } from './fields/gateway-fields.ts';
import { kernelFields } from './fields/kernel-fields.ts';
import { networkFields, serverFields, storeFields } from './fields/server-fields.ts';
import { policyFields, slackFields } from './fields/slack-fields.ts';
import { runFields } from './fields/run-fields.ts';
import { type SettingDoc, settingDocs } from './setting.ts';
import { sparkFields } from './fields/spark-fields.ts';

/** Every setting, by the name of its environment variable. */
export const settingsSchema = z.object({
  ...slackFields,
  ...gatewayFields,
  ...jupyterFields,
  ...hubFields,
  ...networkFields,
  ...kernelFields,
  ...storeFields,
  ...runFields,
  ...sparkFields,
  ...policyFields,
  ...serverFields,
});

/** The settings as read one by one, before they are seen together. */
export type SettingValues = z.output<typeof settingsSchema>;

export interface Setting extends SettingDoc {
  name: string;
  group: string;
}

const groups: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  Slack: slackFields,
  Gateway: gatewayFields,
  'Gateway, by Jupyter Server’s names': jupyterFields,
  JupyterHub: hubFields,
  Network: networkFields,
  Kernels: kernelFields,
  Store: storeFields,
  Runs: runFields,
  Spark: sparkFields,
  'Who may do what': policyFields,
  Operation: serverFields,
};

/** All settings in the order of the docs: `.env.example` and the page of settings are made from them. */
export const settings: readonly Setting[] = Object.entries(groups).flatMap(([group, fields]) =>
  Object.entries(fields).flatMap(([name, field]) => {
    const doc = settingDocs.get(field);
    return doc === undefined ? [] : [{ name, group, ...doc }];
  }),
);
