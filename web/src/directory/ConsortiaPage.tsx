import { Button, Table, Tabs, Tag } from 'antd';
import type { Organization, OrganizationAffiliation, Provenance, Task } from 'fhir/r4';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, type Reading } from '../page/reading';
import { keepsDirectory } from '.';
import styles from './directory.module.css';
import { AgreementsTab } from './governance/AgreementsTab';
import { EndForm, RectifiedForm, RectifyForm } from './governance/MemberForms';
import { PapersTab } from './governance/PapersTab';
import { endingOf, keepsPapers, openNotice, readsPapers, useEndings, useNotices } from './governance/papers';
import { JoinForm } from './JoinForm';
import { AGREEMENT, BOND, codeOf, holds, inOrder, LIAISON, ROLE, said, useConsortia, useMembers } from './memberships';

/** `/consortia`: 医联体, their members, who joined when and who left. The consortium office lets join and leave. */
export default function ConsortiaPage() {
  const { t } = useLocale();
  const [query, setQuery] = useSearchParams();
  const consortia = useConsortia();
  return (
    <section className={styles.page}>
      <h1>{t('consortia.title')}</h1>
      <Read of={consortia} what={t('consortia.title')} rows={8}>
        {(all) => {
          const chosen = all.find((one) => one.id === query.get('of')) ?? all[0];
          if (!chosen) return <Nothing title={t('consortia.none')} how={t('consortia.none.how')} />;
          return (
            <Tabs
              activeKey={chosen.id ?? ''}
              onChange={(id) => setQuery({ of: id }, { replace: true })}
              items={all.map((one) => ({
                key: one.id ?? '',
                label: one.alias?.[0] ?? one.name ?? '',
                children: <Consortium consortium={one} />,
              }))}
              destroyOnHidden
            />
          );
        }}
      </Read>
    </section>
  );
}

/** Its members, and for those who work at one: its agreements and papers. */
function Consortium({ consortium }: { consortium: Organization }) {
  const { t } = useLocale();
  const person = usePerson();
  const [query, setQuery] = useSearchParams();
  const id = consortium.id ?? '';
  const members = useMembers(id);
  const day = today(new Date());
  const all = members.state === 'here' ? members.value : [];
  const keeps = keepsPapers(person, all, day);
  const own = <Members consortium={consortium} members={members} keepsPapers={keeps} />;
  return (
    <div className={styles.under}>
      <p className={styles.head}>
        <strong>{consortium.name}</strong>
        <Tag>{consortium.type?.[0]?.text ?? consortium.type?.[0]?.coding?.[0]?.display}</Tag>
      </p>
      {readsPapers(person, all, day) ? (
        <Tabs
          aria-label={t('governance.tabs')}
          type="card"
          size="small"
          activeKey={query.get('tab') ?? 'members'}
          onChange={(tab) => setQuery({ of: id, tab }, { replace: true })}
          destroyOnHidden
          items={[
            { key: 'members', label: t('governance.tab.members'), children: <div className={styles.under}>{own}</div> },
            {
              key: 'agreements',
              label: t('governance.tab.agreements'),
              children: (
                <div className={styles.under}>
                  <AgreementsTab consortium={id} members={all} keeps={keeps} />
                </div>
              ),
            },
            {
              key: 'papers',
              label: t('governance.tab.papers'),
              children: (
                <div className={styles.under}>
                  <PapersTab consortium={id} keeps={keeps} />
                </div>
              ),
            },
          ]}
        />
      ) : (
        own
      )}
    </div>
  );
}

type Step = 'end' | 'rectify' | 'rectified';

interface MembersProps {
  consortium: Organization;
  members: Reading<readonly OrganizationAffiliation[]>;
  keepsPapers: boolean;
}

function Members({ consortium, members, keepsPapers: keeps }: MembersProps) {
  const { t } = useLocale();
  const person = usePerson();
  const lets = keepsDirectory(person);
  const id = consortium.id ?? '';
  const day = today(new Date());
  const reads = readsPapers(person, members.state === 'here' ? members.value : [], day);
  const notices = useNotices(id, reads);
  const endings = useEndings(id, reads);
  const [joins, setJoins] = useState(false);
  const [doing, setDoing] = useState<{ step: Step; membership: OrganizationAffiliation } | null>(null);
  const done = () => setDoing(null);
  const noticeOf = (one: OrganizationAffiliation) =>
    notices.state === 'here' ? openNotice(notices.value, one) : undefined;
  const Doing = doing && { end: EndForm, rectify: RectifyForm, rectified: RectifiedForm }[doing.step];
  return (
    <>
      {lets && (
        <p className={styles.head}>
          <Button type="primary" onClick={() => setJoins(true)}>
            {t('consortia.join')}
          </Button>
        </p>
      )}
      <Read of={members} what={t('consortia.members')} rows={8}>
        {(all) =>
          all.length === 0 ? (
            <Nothing title={t('consortia.members.none')} how={t('consortia.members.none.how')} />
          ) : (
            <Table<OrganizationAffiliation>
              size="small"
              rowKey={(one) => one.id ?? ''}
              aria-label={t('consortia.members')}
              dataSource={inOrder(all, day)}
              pagination={all.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
              scroll={{ x: 'max-content' }}
              rowClassName={(one) => (holds(one, day) ? '' : (styles.past ?? ''))}
              columns={[
                {
                  title: t('directory.name'),
                  key: 'name',
                  render: (_, one) => (
                    <Link
                      to={`/directory/${(one.participatingOrganization?.reference ?? '').replace('Organization/', '')}`}
                    >
                      {one.participatingOrganization?.display}
                    </Link>
                  ),
                },
                {
                  title: t('consortia.role'),
                  key: 'role',
                  render: (_, one) =>
                    codeOf(one, ROLE) === 'lead' ? (
                      <Tag color="blue">{t('consortia.role.lead')}</Tag>
                    ) : (
                      t(`consortia.bond.${codeOf(one, BOND) || 'loose'}` as Key)
                    ),
                },
                { title: t('consortia.liaison'), key: 'liaison', render: (_, one) => said(one, LIAISON) },
                { title: t('consortia.hotline'), key: 'hotline', render: (_, one) => one.telecom?.[0]?.value },
                { title: t('consortia.agreement'), key: 'agreement', render: (_, one) => said(one, AGREEMENT) },
                {
                  title: t('consortia.period'),
                  key: 'period',
                  render: (_, one) => <Period one={one} notice={noticeOf(one)} endings={endings} day={day} />,
                },
                ...(keeps
                  ? [
                      {
                        title: t('consortia.do'),
                        key: 'do',
                        render: (_: unknown, one: OrganizationAffiliation) =>
                          holds(one, day) &&
                          one.period?.end === undefined && (
                            <span className={styles.tags}>
                              <Button
                                size="small"
                                onClick={() =>
                                  setDoing({ step: noticeOf(one) ? 'rectified' : 'rectify', membership: one })
                                }
                              >
                                {t(noticeOf(one) ? 'governance.rectified' : 'governance.rectify')}
                              </Button>
                              <Button size="small" danger onClick={() => setDoing({ step: 'end', membership: one })}>
                                {t('governance.membership.end')}
                              </Button>
                            </span>
                          ),
                      },
                    ]
                  : []),
              ]}
            />
          )
        }
      </Read>
      {joins && <JoinForm consortium={consortium} onDone={() => setJoins(false)} />}
      {doing && Doing && <Doing consortium={id} membership={doing.membership} onDone={done} />}
    </>
  );
}

interface PeriodProps {
  one: OrganizationAffiliation;
  notice: Task | undefined;
  endings: Reading<readonly Provenance[]>;
  day: string;
}

/** From when to when, by which resolution it ended, and what the member has to mend. */
function Period({ one, notice, endings, day }: PeriodProps) {
  const { t } = useLocale();
  const until = notice?.restriction?.period?.end?.slice(0, 10) ?? '';
  const ended = endings.state === 'here' ? endingOf(endings.value, one) : undefined;
  return (
    <>
      <span className={styles.whole}>
        {t(one.period?.end ? 'consortia.from-to' : 'consortia.since', {
          start: one.period?.start ?? '',
          end: one.period?.end ?? '',
        })}
      </span>
      {notice && (
        <div>
          <Tag color={until < day ? 'red' : 'orange'} title={notice.description ?? ''}>
            {t(until < day ? 'governance.rectify.overdue' : 'governance.rectify.open', { day: until })}
          </Tag>
        </div>
      )}
      {ended && (
        <div className="quiet">
          {t('governance.membership.rests', { resolution: ended.entity?.[0]?.what.display ?? '' })}
        </div>
      )}
    </>
  );
}
