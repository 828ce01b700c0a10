import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Select, Table, Tag } from 'antd';
import type { Binary, Parameters } from 'fhir/r4';
import { useRef, useState } from 'react';
import { Link } from 'react-router';
import { usePerson } from '../access/person';
import { address, operate, request } from '../client/client';
import { whatHappened } from '../client/problem';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { keepsDirectory } from '.';
import styles from './directory.module.css';
import { base64Of, KINDS, type Outcome, type Row, rowsOf } from './importing';

const COLOURS: Record<Outcome, string> = { created: 'green', changed: 'blue', unchanged: 'default', refused: 'red' };
const SHOWN = 50;

/** `/directory/import`: a list from Excel or CSV, tried first, then kept as a whole or not at all. */
export default function ImportPage() {
  const { t } = useLocale();
  return (
    <section className={styles.page}>
      <p>
        <Link to="/directory">{t('directory.back')}</Link>
      </p>
      <h1>{t('import.title')}</h1>
      {keepsDirectory(usePerson()) ? <Import /> : <Nothing title={t('import.not-yours')} />}
    </section>
  );
}

function Import() {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const picker = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [kind, setKind] = useState<string>(KINDS[0]);
  const [report, setReport] = useState<{ kept: boolean; rows: readonly Row[] } | null>(null);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState<'' | 'try' | 'apply'>('');
  const isCsv = file !== null && !file.name.toLowerCase().endsWith('.xlsx');
  const refused = report?.rows.filter((row) => row.outcome === 'refused').length ?? 0;

  const send = async (apply: boolean) => {
    if (!file) return setFault(t('import.file.missing'));
    setBusy(apply ? 'apply' : 'try');
    setFault('');
    try {
      const content: Binary = {
        resourceType: 'Binary',
        contentType: file.type || 'application/octet-stream',
        data: base64Of(await file.arrayBuffer()),
      };
      const told = await operate<Parameters>('Organization/$import-directory', {
        resourceType: 'Parameters',
        parameter: [
          {
            name: 'content',
            resource: content,
          },
          ...(isCsv ? [{ name: 'kind', valueCode: kind }] : []),
          { name: 'apply', valueBoolean: apply },
        ],
      });
      const next = rowsOf(told);
      setReport(next);
      if (next.kept) await queries.invalidateQueries();
    } catch (error) {
      setReport(null);
      setFault(whatHappened(error, t, lang));
    }
    setBusy('');
  };
  const template = async () => {
    const answer = await request(address('Organization/$import-template'));
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${t('directory.title')}.xlsx`;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  return (
    <>
      <p className="quiet">{t('import.how')}</p>
      <div className={styles.filters}>
        <Button onClick={() => void template()}>{t('import.template')}</Button>
        <input
          ref={picker}
          type="file"
          hidden
          accept=".xlsx,.csv"
          aria-label={t('import.file')}
          onChange={(event) => {
            setFile(event.target.files?.[0] ?? null);
            setReport(null);
            setFault('');
          }}
        />
        <Button onClick={() => picker.current?.click()}>{file ? file.name : t('import.file')}</Button>
        {isCsv && (
          <Select
            aria-label={t('import.kind')}
            value={kind}
            onChange={(next) => {
              setKind(next);
              setReport(null);
            }}
            options={KINDS.map((one) => ({ value: one as string, label: t(`import.kind.${one}` as Key) }))}
            style={{ width: 120 }}
          />
        )}
        <Button type="primary" disabled={!file} loading={busy === 'try'} onClick={() => void send(false)}>
          {t('import.try')}
        </Button>
        <Button
          disabled={!report || report.kept || refused > 0}
          loading={busy === 'apply'}
          onClick={() => void send(true)}
        >
          {t('import.apply')}
        </Button>
      </div>
      {fault && <Alert type="error" showIcon role="alert" title={fault} />}
      {report && (
        <>
          <Alert
            role="status"
            showIcon
            type={refused > 0 ? 'error' : report.kept ? 'success' : 'info'}
            title={
              refused > 0
                ? t('import.not-kept', { n: refused })
                : t(report.kept ? 'import.kept' : 'import.tried', { n: report.rows.length })
            }
            style={{ marginBottom: 12 }}
          />
          <Table<Row>
            size="small"
            rowKey={(row) => `${row.kind} ${row.number}`}
            aria-label={t('import.outcome')}
            dataSource={[...report.rows].sort(
              (a, b) => Number(b.outcome === 'refused') - Number(a.outcome === 'refused'),
            )}
            pagination={report.rows.length > SHOWN ? { pageSize: SHOWN, showSizeChanger: false } : false}
            scroll={{ x: 'max-content' }}
            columns={[
              { title: t('import.kind'), key: 'kind', render: (_, row) => t(`import.kind.${row.kind}` as Key) },
              { title: t('import.row'), dataIndex: 'number', align: 'right' },
              { title: t('import.name'), dataIndex: 'name' },
              {
                title: t('import.outcome'),
                key: 'outcome',
                render: (_, row) => <Tag color={COLOURS[row.outcome]}>{t(`import.${row.outcome}` as Key)}</Tag>,
              },
              { title: t('import.why'), key: 'why', render: (_, row) => row.why[lang] },
            ]}
          />
        </>
      )}
    </>
  );
}
