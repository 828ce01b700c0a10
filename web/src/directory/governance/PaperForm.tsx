import { Button, Form, Input, Select } from 'antd';
import type { DocumentReference } from 'fhir/r4';
import { useRef, useState } from 'react';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import styles from '../directory.module.css';
import { useKept } from '../keeping/useKept';
import { FormModal } from './FormModal';
import { dayOf, KINDS, keepPaper, kindOf, PAPER } from './papers';

const STATES = ['current', 'superseded', 'entered-in-error'] as const;
const ACCEPTED = '.pdf,.jpg,.jpeg,.png,.docx';

interface Fields {
  kind?: string;
  title: string;
  number?: string;
  day: string;
  status: (typeof STATES)[number];
}

interface PaperFormProps {
  consortium: string;
  /** What is changed, or nothing for a new one. */
  one: DocumentReference | null;
  onDone: () => void;
}

/** A resolution, rule, plan or signed agreement, with its file. */
export function PaperForm({ consortium, one, onDone }: PaperFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<Fields>();
  const picker = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const keeping = useKept(form, {
    'DocumentReference.description': 'title',
    'DocumentReference.type': 'kind',
    'DocumentReference.context.period': 'day',
  });
  const save = async (fields: Fields) => {
    const title = fields.title.trim();
    const made: DocumentReference = {
      resourceType: 'DocumentReference',
      ...(one?.id ? { id: one.id } : {}),
      ...(one?.meta ? { meta: one.meta } : {}),
      status: fields.status,
      type: { coding: [{ system: PAPER, code: fields.kind ?? '' }] },
      description: title,
      ...(fields.number?.trim() ? { masterIdentifier: { value: fields.number.trim() } } : {}),
      content: [{ attachment: { title } }],
      context: { period: { start: fields.day } },
    };
    if (await keeping.keep(() => keepPaper(consortium, made, file))) onDone();
  };
  return (
    <FormModal
      title={t(one ? 'governance.paper.change' : 'governance.paper.new')}
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
          ...(one ? { kind: kindOf(one) } : { kind: 'resolution' }),
          title: one?.description ?? '',
          number: one?.masterIdentifier?.value ?? '',
          day: one ? dayOf(one) : today(new Date()),
          status: one?.status ?? 'current',
        }}
      >
        <Form.Item
          name="kind"
          label={t('governance.kind')}
          rules={[{ required: true, message: t('governance.kind.missing') }]}
        >
          <Select
            disabled={one !== null}
            options={KINDS.map((kind) => ({ value: kind as string, label: t(`governance.kind.${kind}` as Key) }))}
          />
        </Form.Item>
        <Form.Item
          name="title"
          label={t('governance.title')}
          rules={[{ required: true, whitespace: true, message: t('governance.title.missing') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
        <div className={styles.grid}>
          <Form.Item
            name="day"
            label={t('governance.paper.day')}
            rules={[{ required: true, message: t('governance.paper.day.missing') }]}
          >
            <Input type="date" />
          </Form.Item>
          <Form.Item name="number" label={t('governance.paper.number')}>
            <Input maxLength={60} />
          </Form.Item>
          {one && (
            <Form.Item name="status" label={t('governance.state')}>
              <Select
                options={STATES.map((state) => ({
                  value: state as string,
                  label: t(`governance.paper.status.${state}` as Key),
                }))}
              />
            </Form.Item>
          )}
        </div>
        {!one && <Form.Item name="status" hidden noStyle />}
        <Form.Item label={t('governance.file')}>
          <input
            ref={picker}
            type="file"
            hidden
            accept={ACCEPTED}
            aria-label={t('governance.file.choose')}
            onChange={(event) => setFile(event.target.files?.[0] ?? null)}
          />
          <Button onClick={() => picker.current?.click()}>{file ? file.name : t('governance.file.choose')}</Button>
        </Form.Item>
      </Form>
    </FormModal>
  );
}
