import { Form, Input, Select, Switch } from 'antd';
import type { Device } from 'fhir/r4';
import { operate } from '../../client/client';
import { type Key, useLocale } from '../../locale/locale';
import { isShared, KIND, KINDS, kindOf, SHARED } from '../equipment';
import { NameField, OwnerField } from './fields';
import { KeptForm } from './KeptForm';
import { ENDED, extended } from './kept';
import { useKept } from './useKept';

interface EquipmentFields {
  name: string;
  kind: string;
  owner: string;
  asset?: string;
  maker?: string;
  model?: string;
  shared: boolean;
}

const keepDevice = (device: Device): Promise<Device> =>
  operate<Device>(
    'Device/$keep-equipment',
    { resourceType: 'Parameters', parameter: [{ name: 'device', resource: device }] },
    device.meta?.versionId,
  );

/** One piece of equipment of the shared catalogue. */
export function EquipmentForm({ one, owner }: { one: Device; owner: string }) {
  const { t } = useLocale();
  const [form] = Form.useForm<EquipmentFields>();
  const keeping = useKept(form, { 'Device.owner': 'owner', 'Device.type': 'kind', 'Device.deviceName': 'name' });
  const save = async (fields: EquipmentFields) => {
    const { serialNumber: _serial, manufacturer: _maker, modelNumber: _model, ...rest } = one;
    const name = t(`equipment.kind.${fields.kind}` as Key);
    const [asset, maker, model] = [fields.asset, fields.maker, fields.model].map((text) => text?.trim() ?? '');
    const made = extended<Device>(
      {
        ...rest,
        status: one.status ?? 'active',
        deviceName: [{ type: 'user-friendly-name', ...one.deviceName?.[0], name: fields.name.trim() }],
        type:
          kindOf(one) === fields.kind && one.type
            ? one.type
            : { coding: [{ system: KIND, code: fields.kind, display: name }], text: name },
        owner: fields.owner === one.owner?.reference ? one.owner : { reference: fields.owner },
        ...(asset ? { serialNumber: asset } : {}),
        ...(maker ? { manufacturer: maker } : {}),
        ...(model ? { modelNumber: model } : {}),
      },
      SHARED,
      { url: SHARED, valueBoolean: fields.shared },
    );
    return (await keepDevice(made)).id;
  };
  const end = (day: string) =>
    keepDevice(
      extended<Device>(
        { ...one, status: day ? 'inactive' : 'active' },
        ENDED,
        day ? { url: ENDED, valueDate: day } : undefined,
      ),
    );
  return (
    <KeptForm<EquipmentFields>
      kind="equipment"
      one={one}
      name={one.deviceName?.[0]?.name}
      form={form}
      keeping={keeping}
      start={{
        name: one.deviceName?.[0]?.name ?? '',
        ...(kindOf(one) ? { kind: kindOf(one) } : {}),
        ...(one.owner?.reference ? { owner: one.owner.reference } : {}),
        asset: one.serialNumber ?? '',
        maker: one.manufacturer ?? '',
        model: one.modelNumber ?? '',
        shared: isShared(one),
      }}
      save={save}
      end={end}
    >
      <NameField />
      <Form.Item
        name="kind"
        label={t('kept.field.equipment-kind')}
        rules={[{ required: true, message: t('kept.equipment-kind.missing') }]}
      >
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          options={KINDS.map((kind) => ({ value: kind as string, label: t(`equipment.kind.${kind}` as Key) }))}
        />
      </Form.Item>
      <OwnerField name="owner" called={owner} />
      <Form.Item name="asset" label={t('kept.field.asset')}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item name="maker" label={t('kept.field.maker')}>
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item name="model" label={t('kept.field.model')}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item name="shared" label={t('kept.field.shared')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </KeptForm>
  );
}
