import { Button, Form, Input, Select, Table, Tag } from 'antd';
import type { FhirResource, Practitioner, PractitionerRole } from 'fhir/r4';
import { useState } from 'react';
import { create, update } from '../../client/client';
import { today } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import { called } from '../../referral/codes/search';
import { SPECIALTIES } from '../../referral/codes/specialties';
import styles from '../directory.module.css';
import { KeptForm } from './KeptForm';
import {
  employerOf,
  holdsOn,
  identified,
  nameOf,
  PERSON_NO,
  positionOf,
  specialtyOf,
  titleOf,
  withIdentifier,
} from './kept';
import { takenBy } from './numberTaken';
import { PostForm } from './PostForm';
import { postName } from './postName';
import { useKept } from './useKept';

interface PersonFields {
  name: string;
  number: string;
  sex?: string;
  title?: string;
}

interface PersonFormProps {
  one: Practitioner;
  roles: readonly PractitionerRole[];
  /** What the roles refer to, by "Type/id". */
  included: ReadonlyMap<string, FhirResource>;
}

/** One person who works in the region, and where: 主要执业, 多点执业, 县管乡用, each with its period. */
export function PersonForm({ one, roles, included }: PersonFormProps) {
  const { t } = useLocale();
  const [form] = Form.useForm<PersonFields>();
  const [editing, setEditing] = useState<PractitionerRole | null>(null);
  const keeping = useKept(form, { 'Practitioner.identifier': 'number' });
  const unique = async (_: unknown, number: string) => {
    const other = await takenBy(one, PERSON_NO, number);
    if (other) throw new Error(t('kept.number.taken', { name: nameOf(other) }));
  };
  const save = async (fields: PersonFields) => {
    const { gender: _, qualification, ...rest } = one;
    const name = fields.name.trim();
    const title = fields.title?.trim() ?? '';
    const made: Practitioner = {
      ...rest,
      active: one.active ?? true,
      identifier: withIdentifier(one.identifier, PERSON_NO, fields.number.trim()),
      name: nameOf(one) === name && one.name ? one.name : [{ text: name }],
      ...(fields.sex ? { gender: fields.sex as 'male' | 'female' } : {}),
      ...(title
        ? { qualification: titleOf(one) === title && qualification ? qualification : [{ code: { text: title } }] }
        : {}),
    };
    return (await (one.id ? update(made) : create(made))).id;
  };
  const added = (): PractitionerRole => ({
    resourceType: 'PractitionerRole',
    active: true,
    practitioner: { reference: `Practitioner/${one.id ?? ''}`, display: nameOf(one) },
  });
  return (
    <KeptForm<PersonFields>
      kind="people"
      one={one}
      name={nameOf(one)}
      along={roles.map(({ id }) => `PractitionerRole/${id ?? ''}`)}
      form={form}
      keeping={keeping}
      start={{
        name: nameOf(one),
        number: identified(one, PERSON_NO),
        ...(one.gender ? { sex: one.gender } : {}),
        title: titleOf(one),
      }}
      save={save}
      below={
        <>
          <div className={styles.head}>
            <h3>{t('kept.posts')}</h3>
            <Button onClick={() => setEditing(added())}>{t('kept.posts.add')}</Button>
          </div>
          <Posts roles={roles} included={included} onEdit={setEditing} />
          {editing && <PostForm role={editing} included={included} onDone={() => setEditing(null)} />}
        </>
      }
    >
      <Form.Item
        name="name"
        label={t('kept.field.person')}
        rules={[{ required: true, whitespace: true, message: t('kept.person.missing') }]}
      >
        <Input maxLength={50} />
      </Form.Item>
      <Form.Item
        name="number"
        label={t('kept.field.number')}
        validateTrigger="onBlur"
        rules={[{ required: true, whitespace: true, message: t('kept.number.missing') }, { validator: unique }]}
      >
        <Input maxLength={40} />
      </Form.Item>
      <Form.Item name="sex" label={t('kept.field.sex')}>
        <Select
          allowClear={{ label: t('kept.clear') }}
          options={[
            { value: 'female', label: t('kept.sex.female') },
            { value: 'male', label: t('kept.sex.male') },
          ]}
        />
      </Form.Item>
      <Form.Item name="title" label={t('kept.field.title')}>
        <Input maxLength={30} />
      </Form.Item>
    </KeptForm>
  );
}

interface PostsProps {
  roles: readonly PractitionerRole[];
  included: ReadonlyMap<string, FhirResource>;
  onEdit: (role: PractitionerRole) => void;
}

function Posts({ roles, included, onEdit }: PostsProps) {
  const { t, lang } = useLocale();
  const day = today(new Date());
  const where = (role: PractitionerRole): string => {
    const found = included.get(role.organization?.reference ?? '');
    return (found?.resourceType === 'Organization' ? found.name : role.organization?.display) ?? '';
  };
  const order = [...roles].sort(
    (a, b) =>
      Number(holdsOn(b, day)) - Number(holdsOn(a, day)) || (b.period?.start ?? '').localeCompare(a.period?.start ?? ''),
  );
  return (
    <Table<PractitionerRole>
      size="small"
      rowKey={(role) => role.id ?? ''}
      aria-label={t('kept.posts')}
      dataSource={order}
      pagination={false}
      scroll={{ x: 'max-content' }}
      rowClassName={(role) => (holdsOn(role, day) ? '' : (styles.past ?? ''))}
      locale={{ emptyText: t('kept.posts.none') }}
      columns={[
        { title: t('kept.field.where'), key: 'where', render: (_, role) => where(role) },
        {
          title: t('kept.field.post'),
          key: 'post',
          render: (_, role) => postName(role, t),
        },
        {
          title: t('kept.field.specialty'),
          key: 'specialty',
          render: (_, role) => called(SPECIALTIES, specialtyOf(role), lang),
        },
        {
          title: t('kept.field.position-kind'),
          key: 'position',
          render: (_, role) =>
            positionOf(role) && (
              <Tag color={positionOf(role) === 'main' ? 'blue' : 'default'}>
                {t(`kept.position.${positionOf(role)}` as Key)}
              </Tag>
            ),
        },
        { title: t('kept.field.employer'), key: 'employer', render: (_, role) => employerOf(role)?.display },
        {
          title: t('consortia.period'),
          key: 'period',
          render: (_, role) => (
            <span className={styles.whole}>
              {role.period?.end
                ? t('consortia.from-to', {
                    start: role.period.start?.slice(0, 10) ?? '',
                    end: role.period.end.slice(0, 10),
                  })
                : role.period?.start
                  ? t('consortia.since', { start: role.period.start.slice(0, 10) })
                  : t('kept.period.open')}
            </span>
          ),
        },
        {
          title: t('consortia.do'),
          key: 'do',
          render: (_, role) => (
            <Button size="small" onClick={() => onEdit(role)}>
              {t('kept.change')}
            </Button>
          ),
        },
      ]}
    />
  );
}
