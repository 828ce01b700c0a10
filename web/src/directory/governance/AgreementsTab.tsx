import { Button, Select, Tag } from 'antd';
import type { Contract, OrganizationAffiliation } from 'fhir/r4';
import { useState } from 'react';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { AgreementForm } from './AgreementForm';
import { FileButton } from './FileButton';
import { PagedTable } from './PagedTable';
import { type AgreementState, stateOf, useAgreements } from './papers';

const COLOURS: Record<AgreementState, string> = {
  draft: 'blue',
  'in-force': 'green',
  ending: 'orange',
  ended: 'default',
  terminated: 'default',
};

interface TabProps {
  consortium: string;
  members: readonly OrganizationAffiliation[];
  keeps: boolean;
}

/** 协议: with whom, until when. */
export function AgreementsTab({ consortium, members, keeps }: TabProps) {
  const { t } = useLocale();
  const [state, setState] = useState('');
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<{ one: Contract | null } | null>(null);
  const found = useAgreements(consortium, state, page);
  const day = today(new Date());
  return (
    <>
      <div className={styles.filters}>
        <Select
          aria-label={t('governance.state')}
          value={state}
          style={{ width: 140 }}
          options={['', 'in-force', 'draft', 'ended'].map((one) => ({
            value: one,
            label: t(`governance.state.${one || 'all'}` as Key),
          }))}
          onChange={(next) => {
            setState(next);
            setPage(1);
          }}
        />
        {keeps && (
          <Button type="primary" onClick={() => setOpen({ one: null })}>
            {t('governance.agreement.new')}
          </Button>
        )}
      </div>
      <PagedTable<Contract>
        found={found}
        what={t('governance.agreements')}
        none={{ title: t('governance.agreements.none'), how: t('governance.agreements.none.how') }}
        page={page}
        onPage={setPage}
        onChange={keeps ? (one) => setOpen({ one }) : undefined}
        expandable={{
          rowExpandable: (one) => Boolean(one.term?.length),
          expandedRowRender: (one) => (one.term ?? []).map((term) => term.offer.text).join('\n'),
        }}
        columns={[
          {
            title: t('governance.title'),
            key: 'title',
            render: (_, one) => (
              <>
                {one.title}
                {one.identifier?.[0]?.value && <div className="quiet">{one.identifier[0].value}</div>}
              </>
            ),
          },
          {
            title: t('governance.members'),
            key: 'members',
            render: (_, one) => (
              <span className={styles.short}>
                {(one.subject ?? []).map((who) => who.display).join(t('list.separator'))}
              </span>
            ),
          },
          { title: t('governance.about'), key: 'about', render: (_, one) => one.topicCodeableConcept?.text },
          {
            title: t('governance.period'),
            key: 'period',
            render: (_, one) => (
              <span className={styles.whole}>
                {t(one.applies?.end ? 'consortia.from-to' : 'governance.period.open', {
                  start: one.applies?.start?.slice(0, 10) ?? '',
                  end: one.applies?.end?.slice(0, 10) ?? '',
                })}
              </span>
            ),
          },
          {
            title: t('governance.state'),
            key: 'state',
            render: (_, one) => {
              const stands = stateOf(one, day);
              return <Tag color={COLOURS[stands]}>{t(`governance.state.${stands}` as Key)}</Tag>;
            },
          },
          {
            title: t('governance.paper'),
            key: 'paper',
            render: (_, one) =>
              one.legallyBindingReference?.reference && (
                <FileButton consortium={consortium} paper={one.legallyBindingReference.reference} />
              ),
          },
        ]}
      />
      {open && <AgreementForm consortium={consortium} one={open.one} members={members} onDone={() => setOpen(null)} />}
    </>
  );
}
