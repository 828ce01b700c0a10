import { Form, Input, Select } from 'antd';
import type { Contract, OrganizationAffiliation } from 'fhir/r4';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { useKept } from '../keeping/useKept';
import { FormModal } from './FormModal';
import { keepAgreement } from './papers';
import { ResolutionField } from './ResolutionField';

const STATES = ['negotiable', 'executed', 'terminated', 'entered-in-error'] as const;
const PLACES = { 'Contract.title': 'title', 'Contract.applies': 'until', 'Contract.subject': 'members' };

interface Fields {
  title: string;
  number?: string;
  members: string[];
  start: string;
  until?: string;
  signed?: string;
  about?: string;
  term?: string;
  paper?: string;
  status: (typeof STATES)[number];
}

interface AgreementFormProps {
  consortium: string;
  /** What is changed, or nothing for a new one. */
  one: Contract | null;
  members: readonly OrganizationAffiliation[];
  onDone: () => void;
}

/** An agreement: with whom, from when to when, about what. */
export function AgreementForm({ consortium, one, members, onDone }: AgreementFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<Fields>();
  const keeping = useKept(form, PLACES);
  const names = new Map(
    members.map(({ participatingOrganization: who }) => [who?.reference ?? '', who?.display ?? '']),
  );
  for (const who of one?.subject ?? []) {
    if (who.reference && !names.has(who.reference)) names.set(who.reference, who.display ?? '');
  }
  const save = async (fields: Fields) => {
    const made: Contract = {
      resourceType: 'Contract',
      ...(one?.id ? { id: one.id } : {}),
      ...(one?.meta ? { meta: one.meta } : {}),
      status: fields.status,
      title: fields.title.trim(),
      applies: { start: fields.start, ...(fields.until ? { end: fields.until } : {}) },
      subject: fields.members.map((reference) => ({ reference, display: names.get(reference) ?? '' })),
      ...(fields.number?.trim() ? { identifier: [{ value: fields.number.trim() }] } : {}),
      ...(fields.signed ? { issued: fields.signed } : {}),
      ...(fields.about?.trim() ? { topicCodeableConcept: { text: fields.about.trim() } } : {}),
      ...(fields.term?.trim() ? { term: [{ offer: { text: fields.term.trim() } }] } : {}),
      ...(fields.paper ? { legallyBindingReference: { reference: fields.paper } } : {}),
    };
    if (await keeping.keep(() => keepAgreement(consortium, made))) onDone();
  };
  return (
    <FormModal
      title={t(one ? 'governance.agreement.change' : 'governance.agreement.new')}
      ok={t('governance.save')}
      keeping={keeping}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      <Form<Fields>
        form={form}
        layout="vertical"
        onFinish={(fields) => void save(fields)}
        initialValues={{
          title: one?.title ?? '',
          number: one?.identifier?.[0]?.value ?? '',
          members: (one?.subject ?? []).map((who) => who.reference ?? ''),
          start: one?.applies?.start?.slice(0, 10) ?? today(new Date()),
          until: one?.applies?.end?.slice(0, 10) ?? '',
          signed: one?.issued?.slice(0, 10) ?? '',
          about: one?.topicCodeableConcept?.text ?? '',
          term: (one?.term ?? []).map((term) => term.offer.text ?? '').join('\n'),
          ...(one?.legallyBindingReference?.reference ? { paper: one.legallyBindingReference.reference } : {}),
          status: one?.status ?? 'executed',
        }}
      >
        <Form.Item
          name="title"
          label={t('governance.title')}
          rules={[{ required: true, whitespace: true, message: t('governance.title.missing') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
        <Form.Item
          name="members"
          label={t('governance.members')}
          rules={[{ required: true, message: t('governance.members.missing') }]}
        >
          <Select
            mode="multiple"
            showSearch={{ optionFilterProp: 'label' }}
            options={[...names].map(([value, label]) => ({ value, label }))}
          />
        </Form.Item>
        <div className={styles.grid}>
          <Form.Item
            name="start"
            label={t('governance.from')}
            rules={[{ required: true, message: t('governance.from.missing') }]}
          >
            <Input type="date" />
          </Form.Item>
          <Form.Item
            name="until"
            label={t('governance.until')}
            dependencies={['start', 'status']}
            rules={[
              ({ getFieldValue }) => ({
                validator: (_, until?: string) => {
                  if (!until && getFieldValue('status') === 'terminated')
                    return Promise.reject(new Error(t('governance.end.missing')));
                  if (until && until < String(getFieldValue('start') ?? ''))
                    return Promise.reject(new Error(t('governance.end.early')));
                  return Promise.resolve();
                },
              }),
            ]}
          >
            <Input type="date" />
          </Form.Item>
          <Form.Item name="status" label={t('governance.status')}>
            <Select
              options={STATES.filter((state) => one !== null || state !== 'entered-in-error').map((state) => ({
                value: state as string,
                label: t(`governance.status.${state}` as Key),
              }))}
            />
          </Form.Item>
          <Form.Item name="signed" label={t('governance.signed')}>
            <Input type="date" />
          </Form.Item>
          <Form.Item name="number" label={t('governance.number')}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="about" label={t('governance.about')}>
            <Input maxLength={100} />
          </Form.Item>
        </div>
        <Form.Item name="term" label={t('governance.term')}>
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={4000} />
        </Form.Item>
        <Form.Item name="paper" label={t('governance.paper')}>
          <ResolutionField consortium={consortium} kind="agreement" empty={t('governance.paper.how')} />
        </Form.Item>
      </Form>
    </FormModal>
  );
}
