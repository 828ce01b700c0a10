import { useQueryClient } from '@tanstack/react-query';
import { Form, Input, Modal, Select } from 'antd';
import type { Organization } from 'fhir/r4';
import { useState } from 'react';
import { whatHappened } from '../client/problem';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import styles from './directory.module.css';
import { BONDS, join } from './memberships';
import { useAllPlaces } from './places';

interface JoinFields {
  member: string;
  start: string;
  bond: string;
  liaison?: string;
  phone?: string;
  agreement?: string;
}

/** 办理加入: who joins, as what, from when. */
export function JoinForm({ consortium, onDone }: { consortium: Organization; onDone: () => void }) {
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
