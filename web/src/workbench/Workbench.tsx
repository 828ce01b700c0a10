import { Navigate } from 'react-router';
import { has, postKey, seesPatients, usePerson } from '../access/person';
import { worksAtDesk } from '../desk';
import { today } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { countsRegion } from '../statistics';
import { ClinicalDay } from './ClinicalDay';
import { PostPage } from './PostPage';
import { ResidentPage } from './ResidentPage';
import styles from './workbench.module.css';

/** `/`: the first page of the post. */
export default function Workbench() {
  const { t } = useLocale();
  const person = usePerson();
  if (worksAtDesk(person) && !seesPatients(person)) return <Navigate to="/desk" replace />;
  if (countsRegion(person)) return <Navigate to="/statistics" replace />;
  return (
    <>
      <h1 className={styles.title}>
        {t('today.title')}{' '}
        <span className="quiet">{t('today.hello', { name: person.name, date: today(new Date()) })}</span>
      </h1>
      {seesPatients(person) ? (
        <ClinicalDay person={person} />
      ) : has(person, 'resident') ? (
        <ResidentPage person={person} />
      ) : (
        person.roles.map((post) => <PostPage key={post} post={post} title={t(postKey(post))} />)
      )}
      {person.roles.length === 0 && <PostPage post={null} title={t('top.account')} />}
    </>
  );
}
