import { Button, Table, type TableProps } from 'antd';
import type { Resource } from 'fhir/r4';
import { useLocale } from '../../locale/locale';
import { Nothing } from '../../page/Nothing';
import { Read, type Reading } from '../../page/reading';
import { type Listed, PAGE } from './papers';

interface PagedTableProps<T extends Resource> extends Pick<TableProps<T>, 'columns' | 'rowClassName' | 'expandable'> {
  found: Reading<Listed<T>>;
  /** What is listed. */
  what: string;
  /** What is said when there is none. */
  none: { title: string; how: string };
  page: number;
  onPage: (page: number) => void;
  /** For those who may change what is listed. */
  onChange?: ((one: T) => void) | undefined;
}

/** What a consortium is run with, a page at a time, with a button to change each. */
export function PagedTable<T extends Resource>({
  found,
  what,
  none,
  page,
  onPage,
  onChange,
  columns = [],
  ...rows
}: PagedTableProps<T>) {
  const { t } = useLocale();
  const change = {
    title: t('governance.do'),
    key: 'do',
    render: (_: unknown, one: T) => (
      <Button size="small" onClick={() => onChange?.(one)}>
        {t('governance.change')}
      </Button>
    ),
  };
  return (
    <Read of={found} what={what} rows={4}>
      {({ matches, total }) =>
        total === 0 ? (
          <Nothing {...none} />
        ) : (
          <Table<T>
            {...rows}
            size="small"
            rowKey={(one) => one.id ?? ''}
            aria-label={what}
            dataSource={[...matches]}
            pagination={
              total > PAGE ? { current: page, pageSize: PAGE, total, showSizeChanger: false, onChange: onPage } : false
            }
            scroll={{ x: 'max-content' }}
            columns={onChange ? [...columns, change] : columns}
          />
        )
      }
    </Read>
  );
}
