import type { Organization, PractitionerRole } from 'fhir/r4';
import { describe, expect, it } from 'vitest';
import {
  ENDED,
  endedOn,
  holdsOn,
  institutionFields,
  postFields,
  TIER,
  withEnd,
  withInstitution,
  withPost,
  withSite,
} from './kept';

const NEW: Organization = { resourceType: 'Organization', active: true };
const FIELDS = {
  name: ' 康复医院 ',
  code: '5100000001',
  tier: 'county',
  level: '二级乙等',
  hotline: '0666-1',
  latitude: '31.6',
  longitude: '106.2',
};

describe('an institution by form', () => {
  it('comes back as it was entered', () => {
    const made = withInstitution(NEW, FIELDS, '县级医院', '');
    const site = withSite(undefined, FIELDS, { reference: 'Organization/1' });
    expect(institutionFields(made, site)).toMatchObject({ ...FIELDS, name: '康复医院' });
  });

  it('has what mCSD asks for: a name and a type', () => {
    const made = withInstitution(NEW, FIELDS, '县级医院', '');
    expect(made.type?.[0]?.coding?.[0]?.code).toBe('prov');
    expect(withSite(undefined, FIELDS, {}).type?.[0]?.coding?.[0]?.code).toBe('HOSP');
    expect(withSite(undefined, { ...FIELDS, tier: 'village' }, {}).type?.[0]?.coding?.[0]?.code).toBe('PC');
  });

  it('keeps what the form does not show', () => {
    const before: Organization = {
      ...NEW,
      identifier: [{ system: 'urn:x', value: '1' }],
      extension: [{ url: 'urn:y', valueString: 'z' }],
      type: [{ coding: [{ code: 'A100' }] }, { text: '三级甲等' }],
      telecom: [
        { system: 'phone', value: '1' },
        { system: 'email', value: 'a@example.org' },
      ],
      address: [{ city: '云溪市', line: ['人民路 1 号'] }],
    };
    const made = withInstitution(
      before,
      { ...institutionFields(before, undefined), code: '5100000001', tier: 'city' },
      '市级医院',
      '',
    );
    expect(made.identifier).toContainEqual({ system: 'urn:x', value: '1' });
    expect(made.extension?.map(({ url }) => url)).toEqual(['urn:y', TIER]);
    expect(made.type).toEqual(before.type);
    expect(made.telecom).toContainEqual({ system: 'email', value: 'a@example.org' });
    expect(made.address).toEqual(before.address);
  });

  it('ends on a day and is used again', () => {
    const ended = withEnd(NEW, '2026-11-01');
    expect([ended.active, endedOn(ended)]).toEqual([false, '2026-11-01']);
    const again = withEnd(ended, '');
    expect([again.active, again.extension?.some(({ url }) => url === ENDED)]).toEqual([true, undefined]);
  });
});

describe('a post by form', () => {
  const fields = {
    where: 'Organization/1',
    post: 'gp',
    position: 'county-managed',
    employer: 'Organization/2',
    start: '2026-01-01',
    end: '2026-06-30',
  };
  const role: PractitionerRole = { resourceType: 'PractitionerRole', practitioner: { reference: 'Practitioner/1' } };

  it('comes back as it was entered, and holds in its period', () => {
    const made = withPost(role, fields, { where: '卫生院', employer: '县医院', post: '全科医生' });
    expect(postFields(made)).toMatchObject(fields);
    expect(['2025-12-31', '2026-01-01', '2026-06-30', '2026-07-01'].map((day) => holdsOn(made, day))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('keeps the title beside the post', () => {
    const made = withPost({ ...role, code: [{ text: '主治医师' }] }, fields, {
      where: '',
      employer: '',
      post: '全科医生',
    });
    expect(made.code?.map(({ text }) => text)).toEqual(['全科医生', '主治医师']);
  });
});
