import { Form, Input } from 'antd';
import type { OrganizationAffiliation } from 'fhir/r4';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { useKept } from '../keeping/useKept';
import { FormModal } from './FormModal';
import { endMembership, rectified, rectify } from './papers';
import { ResolutionField } from './ResolutionField';

interface MemberFormProps {
  consortium: string;
  membership: OrganizationAffiliation;
  onDone: () => void;
}

const nameOf = (membership: OrganizationAffiliation): string => membership.participatingOrganization?.display ?? '';

/** 终止成员资格: by a resolution that is named. */
export function EndForm({ consortium, membership, onDone }: MemberFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<{ end: string; resolution?: string; reason: string }>();
  const keeping = useKept(form, { end: 'end', resolution: 'resolution', reason: 'reason' });
  return (
    <FormModal
      title={t('governance.membership.end.title', { name: nameOf(membership) })}
      ok={t('governance.membership.end')}
      danger
      keeping={keeping}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      <p className="quiet">{t('governance.membership.end.what')}</p>
      <Form
        form={form}
        layout="vertical"
        initialValues={{ end: today(new Date()), reason: '' }}
        onFinish={({ end, resolution = '', reason }) =>
          void keeping
            .keep(() => endMembership(membership, { end, resolution, reason }))
            .then((kept) => kept && onDone())
        }
      >
        <Form.Item
          name="resolution"
          label={t('governance.resolution')}
          rules={[{ required: true, message: t('governance.resolution.missing') }]}
        >
          <ResolutionField consortium={consortium} empty={t('governance.resolution.none')} />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('governance.reason')}
          rules={[{ required: true, whitespace: true, message: t('governance.reason.missing') }]}
        >
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={1000} />
        </Form.Item>
        <Form.Item
          name="end"
          label={t('consortia.end')}
          rules={[{ required: true, message: t('consortia.end.missing') }]}
        >
          <Input type="date" />
        </Form.Item>
      </Form>
    </FormModal>
  );
}

/** 限期整改: what is to be mended, until when. */
export function RectifyForm({ consortium, membership, onDone }: MemberFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<{ reason: string; until?: string; resolution?: string }>();
  const keeping = useKept(form, { until: 'until', resolution: 'resolution', reason: 'reason' });
  const day = today(new Date());
  return (
    <FormModal
      title={t('governance.rectify.title', { name: nameOf(membership) })}
      ok={t('governance.rectify.send')}
      keeping={keeping}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      <p className="quiet">{t('governance.rectify.what')}</p>
      <Form
        form={form}
        layout="vertical"
        initialValues={{ reason: '', until: '' }}
        onFinish={({ reason, until = '', resolution = '' }) =>
          void keeping.keep(() => rectify(membership, { reason, until, resolution })).then((kept) => kept && onDone())
        }
      >
        <Form.Item
          name="reason"
          label={t('governance.reason')}
          rules={[{ required: true, whitespace: true, message: t('governance.reason.missing') }]}
        >
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={500} />
        </Form.Item>
        <Form.Item
          name="until"
          label={t('governance.rectify.until')}
          extra={t('governance.rectify.until.how')}
          rules={[
            {
              validator: (_, until?: string) =>
                until && until <= day
                  ? Promise.reject(new Error(t('governance.rectify.until.past')))
                  : Promise.resolve(),
            },
          ]}
        >
          <Input type="date" />
        </Form.Item>
        <Form.Item name="resolution" label={t('governance.resolution')}>
          <ResolutionField consortium={consortium} empty={t('governance.resolution.none')} />
        </Form.Item>
      </Form>
    </FormModal>
  );
}

/** 整改验收: what was found mended. */
export function RectifiedForm({ membership, onDone }: MemberFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<{ note: string }>();
  const keeping = useKept(form, { note: 'note' });
  return (
    <FormModal
      title={t('governance.rectified.title', { name: nameOf(membership) })}
      ok={t('governance.rectified')}
      keeping={keeping}
      onOk={() => form.submit()}
      onCancel={onDone}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{ note: '' }}
        onFinish={({ note }) => void keeping.keep(() => rectified(membership, note)).then((kept) => kept && onDone())}
      >
        <Form.Item
          name="note"
          label={t('governance.rectified.note')}
          rules={[{ required: true, whitespace: true, message: t('governance.rectified.note.missing') }]}
        >
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={1000} />
        </Form.Item>
      </Form>
    </FormModal>
  );
}
