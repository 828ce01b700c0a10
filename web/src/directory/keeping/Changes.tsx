import { Table } from 'antd';
import type { Parameters, ParametersParameter } from 'fhir/r4';
import { ask } from '../../client/client';
import { dateTime } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { elementName } from './elements';

interface Version {
  readonly key: string;
  readonly type: string;
  readonly at: string;
  readonly by: string;
  readonly isFirst: boolean;
  readonly elements: readonly string[];
}

const FIRST: Readonly<Record<string, Key>> = {
  Location: 'kept.changes.first.place',
  PractitionerRole: 'kept.changes.first.post',
};

const text = (parts: readonly ParametersParameter[], name: string): string => {
  const part = parts.find((one) => one.name === name);
  return part?.valueString ?? part?.valueInstant ?? part?.valueCode ?? String(part?.valuePositiveInt ?? '');
};

/** 变更记录: who changed what when, of several resources that are kept by one form. */
export function Changes({ whose }: { whose: readonly string[] }) {
  const { t } = useLocale();
  const found = useReading(['changes', ...whose], async (signal) => {
    const all = await Promise.all(
      whose.map(async (reference) => {
        const told = await ask<Parameters>(`${reference}/$changes`, {}, signal);
        return (told.parameter ?? []).map(
          ({ part = [] }): Version => ({
            key: `${reference} ${text(part, 'number')}`,
            type: reference.split('/')[0] ?? '',
            at: text(part, 'at'),
            by: text(part, 'by') || text(part, 'account'),
            isFirst: text(part, 'number') === '1',
            elements: part.filter((one) => one.name === 'element').map((one) => one.valueCode ?? ''),
          }),
        );
      }),
    );
    return all.flat().sort((a, b) => b.at.localeCompare(a.at));
  });
  return (
    <Panel title={t('kept.changes')}>
      <Read of={found} what={t('kept.changes')} rows={3}>
        {(versions) => (
          <Table<Version>
            size="small"
            rowKey="key"
            aria-label={t('kept.changes')}
            dataSource={[...versions]}
            pagination={versions.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
            columns={[
              { title: t('kept.changes.at'), key: 'at', width: 170, render: (_, one) => dateTime(one.at) },
              {
                title: t('kept.changes.by'),
                key: 'by',
                width: 200,
                render: (_, one) => one.by || t('kept.changes.by.nobody'),
              },
              {
                title: t('kept.changes.what'),
                key: 'what',
                render: (_, one) =>
                  one.isFirst
                    ? t(FIRST[one.type] ?? 'kept.changes.first')
                    : [...new Set(one.elements.map((name) => elementName(one.type, name, t)))].join(
                        t('list.separator'),
                      ),
              },
            ]}
          />
        )}
      </Read>
    </Panel>
  );
}
