import { Button, Modal, Table, Tag } from 'antd';
import { useRef, useState } from 'react';
import { useLocale } from '../locale/locale';
import styles from './accounts.module.css';
import { callSignedIn, type ImportLine } from './calls';
import { Said } from './Said';

const COLOURS = { added: 'success', 'would-be-added': 'success', exists: 'default', refused: 'error' } as const;

/** A list of staff as CSV: checked first, line by line, then taken in. */
export function StaffList({ onClose, onTaken }: { onClose: () => void; onTaken: () => void }) {
  const { t, lang } = useLocale();
  const chooser = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [lines, setLines] = useState<ImportLine[] | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const good = lines?.filter((line) => line.outcome === 'would-be-added').length ?? 0;
  const added = lines?.filter((line) => line.outcome === 'added') ?? [];

  async function send(content: File, only: boolean) {
    setBusy(true);
    setFault(null);
    try {
      const told = await callSignedIn<{ lines: ImportLine[] }>(`accounts/-/import?try=${only}`, {
        token: true,
        file: { type: 'text/csv', content },
      });
      setLines(told.lines);
      if (!only) onTaken();
    } catch (error) {
      setLines(null);
      setFault(error);
    }
    setBusy(false);
  }

  function choose(chosen: File | null) {
    setFile(chosen);
    setLines(null);
    if (chosen) void send(chosen, true);
  }

  function save() {
    const rows = added.map((line) =>
      [line.user, line.name, line.password].map((cell) => `"${cell.replaceAll('"', '""')}"`),
    );
    const head = [t('manage.column.name'), t('manage.column.display'), t('manage.import.password')];
    // The mark in front lets spreadsheets read it as UTF-8.
    const blob = new Blob(['\uFEFF', [head, ...rows].map((row) => row.join(',')).join('\r\n')], { type: 'text/csv' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${t('manage.import.password')}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <Modal open width={860} title={t('manage.import')} onCancel={onClose} footer={null}>
      <div className={styles.page}>
        <p className={styles.quiet}>{t('manage.import.how')}</p>
        <div className={styles.row}>
          <input
            ref={chooser}
            type="file"
            accept=".csv,text/csv"
            hidden
            aria-label={t('manage.import.file')}
            onChange={(event) => choose(event.target.files?.[0] ?? null)}
          />
          <Button onClick={() => chooser.current?.click()} loading={busy}>
            {t('manage.import.file')}
          </Button>
          {file && <span>{file.name}</span>}
          {file && good > 0 && (
            <Button type="primary" loading={busy} onClick={() => void send(file, false)}>
              {t('manage.import.take', { n: good })}
            </Button>
          )}
          {added.length > 0 && (
            <Button type="primary" onClick={save}>
              {t('manage.import.save')}
            </Button>
          )}
        </div>
        <Said fault={fault} />
        {lines && (
          <>
            <p>
              {t('manage.import.sum', {
                all: lines.length,
                good: good + added.length,
                bad: lines.length - good - added.length,
              })}
            </p>
            <Table<ImportLine>
              size="small"
              rowKey="line"
              dataSource={lines}
              pagination={false}
              scroll={{ y: 360 }}
              columns={[
                { title: t('manage.import.line'), dataIndex: 'line', width: 60 },
                { title: t('manage.column.name'), dataIndex: 'user' },
                { title: t('manage.column.display'), dataIndex: 'name' },
                { title: t('manage.column.posts'), dataIndex: 'post' },
                {
                  title: t('manage.import.outcome'),
                  width: '45%',
                  render: (_, line) => (
                    <>
                      <Tag color={COLOURS[line.outcome]}>{t(`manage.import.${line.outcome}`)}</Tag>
                      {line.outcome === 'refused' && (lang === 'zh' ? line.zh : line.text)}
                      {line.password && <code>{line.password}</code>}
                    </>
                  ),
                },
              ]}
            />
          </>
        )}
      </div>
    </Modal>
  );
}
