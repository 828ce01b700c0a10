import { Button } from 'antd';
import { Link } from 'react-router';
import { usePerson } from '../../access/person';
import { useLocale } from '../../locale/locale';
import type { LegalAction } from '../actions/legal';
import { referAddress } from '../refer/start';
import { directionOf, senderOf } from '../request';
import { stateCode } from '../state';
import type { bondsOf } from './Related';
import type { Thread } from './thread';

const REFERRING = ['gp', 'physician', 'consultant', 'coordinator'];

interface WaysProps {
  thread: Thread;
  legal: readonly LegalAction[];
  bonds: ReturnType<typeof bondsOf>;
}

/** How it goes on with another form: write on a draft, refer the patient down, send a declined one elsewhere. */
export function Ways({ thread, legal, bonds }: WaysProps) {
  const { t } = useLocale();
  const person = usePerson();
  const { task, request } = thread;
  const state = stateCode(task);
  const patient = task.for?.reference ?? '';
  const own = person.institution?.reference ?? '';
  const mayRefer = person.roles.some((role) => REFERRING.includes(role));
  const link = (address: string, words: string, primary: boolean) => (
    <Link to={address} tabIndex={-1}>
      <Button type={primary ? 'primary' : 'default'}>{words}</Button>
    </Link>
  );
  if (state === 'draft' && legal.some(({ code }) => code === 'revise' || code === 'submit'))
    return link(referAddress(patient, 'draft', task.id), t('act.goOn'), true);
  if (
    state === 'completed' &&
    directionOf(request) === 'up' &&
    mayRefer &&
    own === task.owner?.reference &&
    !bonds.some(({ bond }) => bond === 'answered')
  )
    return link(referAddress(patient, 'down', task.id), t('act.down'), true);
  if (
    state === 'declined' &&
    mayRefer &&
    own === senderOf(task)?.reference &&
    !bonds.some(({ bond }) => bond === 'replaced')
  )
    return link(referAddress(patient, 'again', task.id), t('act.again'), true);
  return null;
}
