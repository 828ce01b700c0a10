import { Table, Tag } from 'antd';
import type { Device } from 'fhir/r4';
import { Link } from 'react-router';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { isShared, kindOf } from './equipment';

/** Equipment with its kind, model and state; of several institutions with whose it is. */
export function EquipmentTable({ devices, withOwner = false }: { devices: readonly Device[]; withOwner?: boolean }) {
  const { t } = useLocale();
  if (devices.length === 0) return <Nothing title={t('equipment.none')} how={t('equipment.none.how')} />;
  return (
    <Table<Device>
      size="small"
      rowKey={(one) => one.id ?? ''}
      aria-label={t('equipment.title')}
      dataSource={[...devices]}
      pagination={devices.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t('equipment.name'), key: 'name', render: (_, one) => one.deviceName?.[0]?.name },
        {
          title: t('equipment.kind'),
          key: 'kind',
          render: (_, one) => (kindOf(one) ? t(`equipment.kind.${kindOf(one)}` as Key) : one.type?.text),
        },
        ...(withOwner
          ? [
              {
                title: t('equipment.owner'),
                key: 'owner',
                render: (_: unknown, one: Device) => (
                  <Link to={`/directory/${(one.owner?.reference ?? '').replace('Organization/', '')}`}>
                    {one.owner?.display}
                  </Link>
                ),
              },
            ]
          : []),
        {
          title: t('equipment.model'),
          key: 'model',
          render: (_, one) => [one.manufacturer, one.modelNumber].filter(Boolean).join(' '),
        },
        {
          title: t('equipment.state'),
          key: 'state',
          render: (_, one) => (
            <>
              <Tag color={one.status === 'active' ? 'green' : 'default'}>
                {t(one.status === 'active' ? 'equipment.working' : 'equipment.not-working')}
              </Tag>
              {isShared(one) ? <Tag color="blue">{t('equipment.shared')}</Tag> : <Tag>{t('equipment.own')}</Tag>}
            </>
          ),
        },
      ]}
    />
  );
}
