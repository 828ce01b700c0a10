import type { Person } from '../../access/person';
import type { Translate } from '../../locale/locale';
import { directionOf, formPart, impressions } from '../request';
import { firstWords, outputsOf, outputText } from '../task';
import type { Thread } from '../thread/thread';
import { formOf, type LegalAction } from './legal';
import { type ActForm, EMPTY_ACT } from './parameters';
import { type PlanForm, usualVisits } from './plan';

const DOCTORS = ['gp', 'physician', 'consultant'];

/** The form of an action with what is known already, so that the person adds what only they know. */
export function initialAct(action: LegalAction, thread: Thread, person: Person, t: Translate, today: string): ActForm {
  const { task, request } = thread;
  const said = (kind: Parameters<typeof outputsOf>[1]) =>
    outputsOf(task, kind).map(outputText).filter(Boolean).join('\n');
  const down = directionOf(request) === 'down';
  switch (action.code) {
    case 'accept': {
      const self = person.agent && person.roles.some((role) => DOCTORS.includes(role));
      return {
        ...EMPTY_ACT,
        practitioner: self ? { reference: person.agent ?? '', display: person.name } : null,
        plan: down ? usualPlan(thread, t, today) : EMPTY_ACT.plan,
      };
    }
    case 'plan':
      return { ...EMPTY_ACT, plan: usualPlan(thread, t, today) };
    case 'complete':
    case 'report': {
      const diagnosed = outputsOf(task, 'diagnosis').flatMap((output) => output.valueCodeableConcept ?? []);
      const again = action.code === 'complete';
      return {
        ...EMPTY_ACT,
        diagnosis: again ? (diagnosed.length > 0 ? diagnosed : impressions(request).map((one) => one.concept)) : [],
        findings: again ? said('findings') : '',
        treatment: again ? said('treatment') : '',
        medication: again ? said('medication') : '',
        advice: again ? said('advice') : '',
        nextVisit: again ? said('next-visit') : '',
        recordNumber: said('record-number'),
      };
    }
    default:
      return formOf(action);
  }
}

/** A plan as it is usually written: what the hospital advised as measures, visits at the usual distances. */
function usualPlan({ request }: Thread, t: Translate, today: string): PlanForm {
  const disease = impressions(request)[0]?.text ?? '';
  const advised = [...firstWords(request).map((one) => one.text), formPart(request, 'precautions')].filter(Boolean);
  return {
    wanted: true,
    title: t('act.plan.title.usual', { disease }),
    goals: '',
    visits: usualVisits(today, { first: t('act.plan.visit.first'), later: t('act.plan.visit.later') }),
    measures: [...new Set(advised)].join('\n'),
  };
}
