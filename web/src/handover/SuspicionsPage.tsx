import { useQueryClient } from '@tanstack/react-query';
import { Button, Input, Modal, Radio, Segmented, Table, Tag } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { ask, operate } from '../client/client';
import { dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { type Finding, findingsOf } from './findings';
import styles from './handover.module.css';

const STATES = ['open', 'justified', 'not-justified'] as const;

/** `/suspicions`: referrals that look wrong, with reasons; the office says once whether they are justified. */
export default function SuspicionsPage() {
  const { t } = useLocale();
  const [asked, setAsked] = useSearchParams();
  const [open, setOpen] = useState<Finding | null>(null);
  const state = STATES.find((one) => one === asked.get('state')) ?? 'open';
  const reading = useReading(['suspicions', state], (signal) =>
    ask<Parameters>('Task/$suspicions', { state, _count: 200 }, signal).then(findingsOf),
  );
  return (
    <section>
      <h1>{t('suspicion.title')}</h1>
      <p className="quiet">{t('suspicion.how')}</p>
      <Segmented
        aria-label={t('suspicion.state')}
        value={state}
        onChange={(next) => setAsked({ state: next }, { replace: true })}
        options={STATES.map((one) => ({ value: one, label: t(`suspicion.state.${one}`) }))}
      />
      <Read of={reading} what={t('suspicion.title')} rows={8}>
        {({ total, findings }) =>
          findings.length === 0 ? (
            <Nothing title={t('suspicion.none')} how={t('suspicion.none.how')} />
          ) : (
            <>
              <p aria-live="polite">{t('list.total', { n: total })}</p>
              <Table<Finding>
                aria-label={t('suspicion.title')}
                size="small"
                rowKey="issue"
                dataSource={findings}
                pagination={findings.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
                scroll={{ x: 960 }}
                columns={[
                  {
                    title: t('suspicion.rule'),
                    dataIndex: 'ruleName',
                    render: (name: string) => <Tag color="orange">{name}</Tag>,
                  },
                  { title: t('suspicion.why'), dataIndex: 'why', width: '30%' },
                  {
                    title: t('suspicion.referral'),
                    dataIndex: 'number',
                    className: styles.whole ?? '',
                    render: (number: string, one) =>
                      one.task ? <Link to={`/referrals/${one.task}`}>{number}</Link> : number,
                  },
                  { title: t('suspicion.way'), key: 'way', render: (_, one) => `${one.sender} → ${one.receiver}` },
                  {
                    title: t('suspicion.found'),
                    dataIndex: 'found',
                    className: styles.whole ?? '',
                    render: (at: string) => dateTime(at),
                  },
                  {
                    title: t(state === 'open' ? 'suspicion.decide' : 'suspicion.note'),
                    key: 'decide',
                    ...(state === 'open' ? {} : { width: '22%' }),
                    render: (_, one) =>
                      state === 'open' ? (
                        <Button size="small" onClick={() => setOpen(one)}>
                          {t('suspicion.decide')}
                        </Button>
                      ) : (
                        <>
                          {one.note}
                          <br />
                          <span className="quiet">
                            {one.decidedBy} {dateTime(one.decided)}
                          </span>
                        </>
                      ),
                  },
                ]}
              />
            </>
          )
        }
      </Read>
      {open && <Decide finding={open} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Decide({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [decision, setDecision] = useState<'justified' | 'not-justified'>('justified');
  const [note, setNote] = useState('');
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const ready = note.trim().length >= 5;

  async function save() {
    setSaving(true);
    setProblem(null);
    try {
      await operate(`${finding.issue}/$decide`, {
        resourceType: 'Parameters',
        parameter: [
          { name: 'decision', valueCode: decision },
          { name: 'note', valueString: note.trim() },
        ],
      });
      await queries.invalidateQueries({ queryKey: ['suspicions'] });
      onClose();
    } catch (error) {
      setProblem(error);
      setSaving(false);
    }
  }

  return (
    <Modal
      open
      title={`${t('suspicion.decide')} · ${finding.number}`}
      okText={t('suspicion.save')}
      cancelText={t('do.cancel')}
      okButtonProps={{ disabled: !ready, loading: saving, danger: decision === 'not-justified' }}
      onOk={() => void save()}
      onCancel={onClose}
    >
      <p>
        <strong>{finding.ruleName}</strong>
        <br />
        {finding.why}
      </p>
      <Radio.Group
        value={decision}
        onChange={(event) => setDecision(event.target.value)}
        options={[
          { value: 'justified', label: t('suspicion.state.justified') },
          { value: 'not-justified', label: t('suspicion.state.not-justified') },
        ]}
      />
      <p className={styles.noteLabel}>
        <label htmlFor="suspicion-note">{t('suspicion.note.how')}</label>
      </p>
      <Input.TextArea
        id="suspicion-note"
        value={note}
        autoSize={{ minRows: 3 }}
        onChange={(event) => setNote(event.target.value)}
      />
      {Boolean(problem) && <Failure error={problem} what={t('suspicion.decide')} title={t('suspicion.failed')} />}
    </Modal>
  );
}
