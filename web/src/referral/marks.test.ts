import type { Parameters, ServiceRequest, Task } from 'fhir/r4';
import { expect, test } from 'vitest';
import { alarmsOf, formOf, legalActions } from './actions/legal';
import { chosenOf, circumstanceOf, firstVisitOf, greenOf, inPlaceOf } from './marks';
import { CHOSEN, CIRCUMSTANCE, FIRST_VISIT, GREEN, IN_PLACE } from './systems';

const task = (url: string, extension: Task['extension']): Task =>
  ({ resourceType: 'Task', status: 'requested', intent: 'order', extension: [{ url, extension }] }) as Task;

test('marks are read as the server writes them', () => {
  const request = {
    resourceType: 'ServiceRequest',
    extension: [
      {
        url: GREEN,
        extension: [
          { url: 'state', valueCode: 'open' },
          { url: 'reason', valueString: '急性心肌梗死' },
        ],
      },
    ],
  } as unknown as ServiceRequest;
  expect(greenOf(request)).toMatchObject({ state: 'open', reason: '急性心肌梗死' });
  expect(greenOf(undefined)).toBeNull();
  expect(circumstanceOf(task(CIRCUMSTANCE, [{ url: 'kind', valueCoding: { code: 'deceased' } }]))?.kind).toBe(
    'deceased',
  );
  expect(inPlaceOf(task(IN_PLACE, [{ url: 'informed', valueString: '长子李强' }]))).toEqual([
    { informed: '长子李强', expert: '', time: '', by: '' },
  ]);
  expect(firstVisitOf(task(FIRST_VISIT, [{ url: 'due', valueDate: '2026-12-04' }]))?.due).toBe('2026-12-04');
  expect(
    chosenOf(
      task(CHOSEN, [
        { url: 'automatic', valueBoolean: true },
        { url: 'reason', valueString: '设有所需专科' },
      ]),
    ),
  ).toEqual({ automatic: true, reasons: ['设有所需专科'] });
});

test('a proposal fills the small form, and alarms are told with whom', () => {
  const answer: Parameters = {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'action',
        part: [
          { name: 'code', valueCode: 'redirect' },
          {
            name: 'proposed',
            part: [
              { name: 'to', valueReference: { reference: 'Organization/b', display: '乙院' } },
              { name: 'why', valueString: '同一医联体' },
            ],
          },
        ],
      },
      {
        name: 'alarm',
        part: [
          { name: 'stage', valueCode: 'duty' },
          { name: 'time', valueInstant: '2026-11-23T10:00:00Z' },
          { name: 'to', valueString: '甲院科主任' },
        ],
      },
    ],
  };
  const [action] = legalActions(answer);
  expect(action?.proposed?.why).toEqual(['同一医联体']);
  expect(action && formOf(action).to).toEqual({ reference: 'Organization/b', display: '乙院' });
  expect(alarmsOf(answer)).toEqual([{ stage: 'duty', time: '2026-11-23T10:00:00Z', to: ['甲院科主任'] }]);
});
