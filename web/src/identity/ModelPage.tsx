import { Link } from 'react-router';
import { useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import styles from './identity.module.css';
import { type Model, readModel } from './pairs';

/** `/match/model`: what the model in use weighs, level by level. */
export default function ModelPage() {
  const { t } = useLocale();
  const reading = useReading(['match', 'model'], readModel);
  return (
    <>
      <h1 className={styles.title}>
        {t('match.model')} <Link to="/match">{t('match.back')}</Link>
      </h1>
      <Read of={reading} what={t('match.model')} rows={12}>
        {(model) => <Weights model={model} />}
      </Read>
    </>
  );
}

const share = (value: number): string => (value >= 0.001 ? value.toFixed(3) : value.toPrecision(2));

function Weights({ model }: { model: Model }) {
  const { t } = useLocale();
  return (
    <Panel title={t('match.model.weights')}>
      <div className={styles.inner}>
        <dl className={styles.facts}>
          <dt>{t('match.model.version')}</dt>
          <dd>{model.version}</dd>
          <dt>{t('match.model.patients')}</dt>
          <dd>{model.patients.toLocaleString()}</dd>
          <dt>{t('match.model.prior')}</dt>
          <dd>{model.prior.toPrecision(3)}</dd>
        </dl>
        <p className={styles.note}>{t('match.model.how')}</p>
        <table className={styles.compared}>
          <thead>
            <tr>
              <th scope="col">{t('match.model.level')}</th>
              <th scope="col">m</th>
              <th scope="col">u</th>
              <th scope="col">{t('match.model.weight')}</th>
            </tr>
          </thead>
          <tbody>
            {model.weights.map((one) => (
              <tr key={`${one.comparison}-${one.level}`}>
                <th scope="row">{one.title}</th>
                <td className={styles.number}>{share(one.m)}</td>
                <td className={styles.number}>{share(one.u)}</td>
                <td className={styles.number}>{`${one.bits >= 0 ? '+' : '−'}${Math.abs(one.bits).toFixed(2)}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
