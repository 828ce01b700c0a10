import type { Key, Translate } from '../../locale/locale';

/** What an element of the directory's resources is called on its form. */
const NAMES: Readonly<Record<string, Key>> = {
  active: 'kept.element.state',
  status: 'kept.element.state',
  'ended-on': 'kept.element.state',
  address: 'kept.field.address',
  alias: 'kept.field.short',
  code: 'kept.field.post',
  contact: 'kept.element.contact',
  deviceName: 'kept.field.name',
  gender: 'kept.field.sex',
  identifier: 'kept.element.number',
  'institution-tier': 'kept.field.tier',
  'Location.name': 'kept.field.position',
  manufacturer: 'kept.field.maker',
  modelNumber: 'kept.field.model',
  name: 'kept.field.name',
  organization: 'kept.field.where',
  owner: 'kept.field.owner',
  partOf: 'kept.field.above',
  period: 'kept.element.period',
  position: 'kept.field.position',
  'PractitionerRole.position': 'kept.field.position-kind',
  providedBy: 'kept.field.owner',
  qualification: 'kept.field.title',
  serialNumber: 'kept.field.asset',
  'service-referral-settings': 'kept.element.settings',
  'service-scope': 'kept.field.scope',
  'shared-equipment': 'kept.field.shared',
  specialty: 'kept.field.specialty',
  telecom: 'kept.field.phone',
  'HealthcareService.type': 'kept.field.specialty',
  'Device.type': 'kept.field.equipment-kind',
  'Organization.type': 'kept.field.level',
};

export function elementName(type: string, element: string, t: Translate): string {
  const key = NAMES[`${type}.${element}`] ?? NAMES[element];
  return t(key ?? 'kept.element.other');
}
