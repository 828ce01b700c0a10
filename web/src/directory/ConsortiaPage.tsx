import { useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Select, Table, Tabs, Tag } from 'antd';
import type { Organization, OrganizationAffiliation } from 'fhir/r4';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { whatHappened } from '../client/problem';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { keepsDirectory } from '.';
import styles from './directory.module.css';
import {
  AGREEMENT,
  BOND,
  BONDS,
  codeOf,
  holds,
  inOrder,
  join,
  LIAISON,
  leave,
  ROLE,
  said,
  useConsortia,
  useMembers,
} from './memberships';
import { useAllPlaces } from './places';

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
                children: <Members consortium={one} />,
              }))}
              destroyOnHidden
            />
          );
        }}
      </Read>
    </section>
  );
}

function Members({ consortium }: { consortium: Organization }) {
  const { t } = useLocale();
  const keeps = keepsDirectory(usePerson());
  const [joins, setJoins] = useState(false);
  const [leaving, setLeaving] = useState<OrganizationAffiliation | null>(null);
  const members = useMembers(consortium.id ?? '');
  const day = today(new Date());
  return (
    <>
      <p className={styles.head}>
        <strong>{consortium.name}</strong>
        <Tag>{consortium.type?.[0]?.text ?? consortium.type?.[0]?.coding?.[0]?.display}</Tag>
        {keeps && (
          <Button type="primary" onClick={() => setJoins(true)}>
            {t('consortia.join')}
          </Button>
        )}
      </p>
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
                  render: (_, one) => (
                    <span className={styles.whole}>
                      {t(one.period?.end ? 'consortia.from-to' : 'consortia.since', {
                        start: one.period?.start ?? '',
                        end: one.period?.end ?? '',
                      })}
                    </span>
                  ),
                },
                ...(keeps
                  ? [
                      {
                        title: t('consortia.do'),
                        key: 'do',
                        render: (_: unknown, one: OrganizationAffiliation) =>
                          one.period?.end === undefined && (
                            <Button size="small" onClick={() => setLeaving(one)}>
                              {t('consortia.leave')}
                            </Button>
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
      {leaving && <LeaveForm affiliation={leaving} onDone={() => setLeaving(null)} />}
    </>
  );
}

interface JoinFields {
  member: string;
  start: string;
  bond: string;
  liaison?: string;
  phone?: string;
  agreement?: string;
}

function JoinForm({ consortium, onDone }: { consortium: Organization; onDone: () => void }) {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const [form] = Form.useForm<JoinFields>();
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const places = useAllPlaces({}, true);
  const all = places.state === 'here' ? places.value.filter((one) => one.tier !== 'village') : [];
  const send = async (fields: JoinFields) => {
    const chosen = all.find((one) => one.id === fields.member);
    if (!chosen) return;
    setBusy(true);
    try {
      const isLead = fields.bond === 'lead';
      await join(consortium, {
        member: { reference: `Organization/${chosen.id}`, display: chosen.name },
        start: fields.start,
        lead: isLead,
        roleName: t(isLead ? 'consortia.role.lead' : 'consortia.role.member'),
        bond: fields.bond,
        bondName: isLead ? '' : t(`consortia.bond.${fields.bond}` as Key),
        liaison: fields.liaison?.trim() ?? '',
        phone: fields.phone?.trim() ?? '',
        agreement: fields.agreement?.trim() ?? '',
      });
      await queries.invalidateQueries({ queryKey: ['consortia'] });
      onDone();
    } catch (error) {
      setFault(whatHappened(error, t, lang));
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t('consortia.join.title', { name: consortium.name ?? '' })}
      okText={t('consortia.join.do')}
      cancelText={t('do.cancel')}
      confirmLoading={busy}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      <Form<JoinFields>
        form={form}
        layout="vertical"
        onFinish={(fields) => void send(fields)}
        initialValues={{ start: today(new Date()), bond: 'tight' }}
      >
        {fault && (
          <p role="alert" className={styles.fault}>
            {fault}
          </p>
        )}
        <Form.Item
          name="member"
          label={t('consortia.member')}
          rules={[{ required: true, message: t('consortia.member.missing') }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            loading={places.state === 'loading'}
            options={all.map((one) => ({ value: one.id, label: one.name }))}
          />
        </Form.Item>
        <Form.Item name="bond" label={t('consortia.role')}>
          <Select
            options={[
              { value: 'lead', label: t('consortia.role.lead') },
              ...BONDS.map((bond) => ({ value: bond as string, label: t(`consortia.bond.${bond}` as Key) })),
            ]}
          />
        </Form.Item>
        <Form.Item
          name="start"
          label={t('consortia.start')}
          rules={[{ required: true, message: t('consortia.start.missing') }]}
        >
          <Input type="date" />
        </Form.Item>
        <Form.Item name="liaison" label={t('consortia.liaison')}>
          <Input maxLength={60} />
        </Form.Item>
        <Form.Item name="phone" label={t('consortia.hotline')}>
          <Input maxLength={30} inputMode="tel" />
        </Form.Item>
        <Form.Item name="agreement" label={t('consortia.agreement')}>
          <Input maxLength={200} />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function LeaveForm({ affiliation, onDone }: { affiliation: OrganizationAffiliation; onDone: () => void }) {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const [end, setEnd] = useState(today(new Date()));
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const send = async () => {
    if (!end) return setFault(t('consortia.end.missing'));
    setBusy(true);
    try {
      await leave(affiliation, end);
      await queries.invalidateQueries({ queryKey: ['consortia'] });
      onDone();
    } catch (error) {
      setFault(whatHappened(error, t, lang));
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t('consortia.leave.title', { name: affiliation.participatingOrganization?.display ?? '' })}
      okText={t('consortia.leave')}
      okButtonProps={{ danger: true }}
      cancelText={t('do.cancel')}
      confirmLoading={busy}
      onOk={() => void send()}
      onCancel={onDone}
    >
      {fault && (
        <p role="alert" className={styles.fault}>
          {fault}
        </p>
      )}
      <p>{t('consortia.leave.what')}</p>
      <p>
        <label htmlFor="leave-end">{t('consortia.end')}</label>{' '}
        <Input
          id="leave-end"
          type="date"
          value={end}
          onChange={(event) => setEnd(event.target.value)}
          style={{ width: 170 }}
        />
      </p>
    </Modal>
  );
}
