import { Button, Select, Tag } from 'antd';
import type { DocumentReference } from 'fhir/r4';
import { useState } from 'react';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { FileButton } from './FileButton';
import { PagedTable } from './PagedTable';
import { PaperForm } from './PaperForm';
import { dayOf, KINDS, kindOf, usePapers } from './papers';

const YEARS = 10;

/** 决议与文件: what the committee decided and planned, by kind and year. */
export function PapersTab({ consortium, keeps }: { consortium: string; keeps: boolean }) {
  const { t } = useLocale();
  const [kind, setKind] = useState('');
  const [year, setYear] = useState('');
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<{ one: DocumentReference | null } | null>(null);
  const found = usePapers(consortium, kind, year, page);
  const last = Number(today(new Date()).slice(0, 4)) + 1;
  return (
    <>
      <div className={styles.filters}>
        <Select
          aria-label={t('governance.kind')}
          value={kind}
          style={{ width: 150 }}
          options={['', ...KINDS].map((one) => ({ value: one, label: t(`governance.kind.${one || 'all'}` as Key) }))}
          onChange={(next) => {
            setKind(next);
            setPage(1);
          }}
        />
        <Select
          aria-label={t('governance.year')}
          value={year}
          style={{ width: 120 }}
          options={[
            { value: '', label: t('governance.year.all') },
            ...Array.from({ length: YEARS }, (_, nth) => String(last - nth)).map((one) => ({
              value: one,
              label: t('governance.year.one', { year: one }),
            })),
          ]}
          onChange={(next) => {
            setYear(next);
            setPage(1);
          }}
        />
        {keeps && (
          <Button type="primary" onClick={() => setOpen({ one: null })}>
            {t('governance.paper.new')}
          </Button>
        )}
      </div>
      <PagedTable<DocumentReference>
        found={found}
        what={t('governance.papers')}
        none={{ title: t('governance.papers.none'), how: t('governance.papers.none.how') }}
        page={page}
        onPage={setPage}
        onChange={keeps ? (one) => setOpen({ one }) : undefined}
        rowClassName={(one) => (one.status === 'current' ? '' : (styles.past ?? ''))}
        columns={[
          { title: t('governance.paper.day'), key: 'day', width: 120, render: (_, one) => dayOf(one) },
          {
            title: t('governance.kind'),
            key: 'kind',
            width: 110,
            render: (_, one) => <Tag>{t(`governance.kind.${kindOf(one)}` as Key)}</Tag>,
          },
          { title: t('governance.title'), key: 'title', render: (_, one) => one.description },
          {
            title: t('governance.paper.number'),
            key: 'number',
            render: (_, one) => <span className={styles.whole}>{one.masterIdentifier?.value}</span>,
          },
          {
            title: t('governance.state'),
            key: 'state',
            render: (_, one) => t(`governance.paper.status.${one.status}` as Key),
          },
          {
            title: t('governance.file'),
            key: 'file',
            render: (_, one) =>
              one.content[0]?.attachment.url ? (
                <FileButton consortium={consortium} paper={`DocumentReference/${one.id ?? ''}`} />
              ) : (
                <span className="quiet">{t('governance.file.none')}</span>
              ),
          },
        ]}
      />
      {open && <PaperForm consortium={consortium} one={open.one} onDone={() => setOpen(null)} />}
    </>
  );
}
