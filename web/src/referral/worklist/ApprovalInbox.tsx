import type { Task } from 'fhir/r4';
import { useLocation } from 'react-router';
import { patientLine } from '../../fhir/patient';
import { useMedia } from '../../layout/media';
import { ListPage } from '../../list/ListPage';
import type { Column } from '../../list/list';
import { type Lang, type Translate, useLocale } from '../../locale/locale';
import { matter, specialtyName, urgencyOf } from '../request';
import { Clock, UnreadTag, UrgencyTag } from '../Tags';
import { ReferralCase } from '../thread/ReferralCase';
import { type Unread, useUnread } from '../unread';
import { patientOf, requestOf } from './columns';
import { Fresh } from './Fresh';
import { filtersOf } from './filters';
import { Lists } from './Lists';
import { useRows, useWorklist } from './WorklistPage';
import styles from './worklist.module.css';

const wide = matchMedia('(min-width: 1200px)');

/** 待我审批: on a desk the list at the left and the whole case with approve and return at the right; on a phone a list that opens the case. */
export function ApprovalInbox() {
  const { t, lang } = useLocale();
  const { search, hash } = useLocation();
  const beside = useMedia(wide);
  const { source, filters } = useWorklist('approval');
  const rows = useRows(source);
  const unread = useUnread(rows);
  // In the hash, so that the list stays the same list to the keyboard.
  const chosen = rows.find((task) => task.id === hash.slice(1))?.id ?? rows[0]?.id;

  const linkOf = (task: Task) =>
    beside ? `/worklist/approval${search}#${task.id ?? ''}` : `/referrals/${task.id ?? ''}`;
  const list = (
    <ListPage
      what={t('referral.list.approval')}
      source={source}
      columns={briefColumns(t, lang, beside ? (chosen ?? '') : '', unread)}
      filters={filtersOf('approval', {}, t).filter((filter) => !beside || filter.name !== 'direction')}
      linkOf={linkOf}
      empty={{ title: t('worklist.empty.approval'), how: t('worklist.empty.approval.how') }}
      above={<Fresh list="approval" filters={filters} name={source.key} />}
    />
  );
  return (
    <>
      <h1 className="unseen">{t('referral.list.approval')}</h1>
      <Lists list="approval" />
      {beside && chosen ? (
        <div className={styles.split}>
          <div className={styles.left}>{list}</div>
          <div className={styles.right}>
            <ReferralCase key={chosen} taskId={chosen} />
          </div>
        </div>
      ) : (
        list
      )}
    </>
  );
}

/** What one needs to choose the next case; the case itself stands beside it. */
function briefColumns(t: Translate, lang: Lang, chosen: string, unread: Unread): Column<Task>[] {
  return [
    {
      key: 'patient',
      width: 128,
      title: t('worklist.patient'),
      phone: 'heading',
      render: (task, included) => {
        const patient = patientOf(task, included);
        return (
          <span className={task.id === chosen ? styles.chosen : undefined}>
            {patient ? patientLine(patient, new Date(), t) : task.for?.display}
          </span>
        );
      },
    },
    {
      key: 'matter',
      title: t('worklist.matter'),
      render: (task, included) => (
        <>
          <UrgencyTag urgency={urgencyOf(task)} /> {matter(requestOf(task, included), lang)}
          <span className={styles.reason}>
            {specialtyName(requestOf(task, included), lang)} → {task.owner?.display}
          </span>
          <Clock task={task} /> <UnreadTag count={unread.get(task.id ?? '')} />
        </>
      ),
    },
  ];
}
