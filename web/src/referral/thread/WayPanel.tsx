import { Button } from 'antd';
import { useMemo, useState } from 'react';
import { useNavigate } from 'react-router';
import { usePerson } from '../../access/person';
import { usesDirectory } from '../../directory';
import { type Place, useAreas, useWay } from '../../directory/places';
import { type Mark, RegionMap } from '../../directory/RegionMap';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { receiverOf, senderOf } from '../request';
import type { Thread } from './thread';
import styles from './thread.module.css';

const idOf = (reference: string | undefined): string => reference?.replace(/^Organization\//, '') ?? '';

function markOf(place: Place): Mark[] {
  const { id, short, tier, latitude, longitude } = place;
  return latitude === undefined || longitude === undefined ? [] : [{ id, name: short, tier, latitude, longitude }];
}

/** 路程: how far the patient has to go and which way, on the outlines of the region. Nothing where it is not known where one of them stands. */
export function WayPanel({ thread: { task, request } }: { thread: Thread }) {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const person = usePerson();
  const navigate = useNavigate();
  const [open, setOpen] = useState(!phone);
  const areas = useAreas();
  const reading = useWay(
    idOf((senderOf(task) ?? senderOf(request))?.reference),
    idOf((task.owner ?? receiverOf(request))?.reference),
  );
  const found = reading.state === 'here' ? reading.value : undefined;
  const marks = useMemo(() => (found ? [...markOf(found.from), ...markOf(found.to)] : []), [found]);
  if (!found || found.km === undefined || marks.length < 2) return null;
  const far = t('thread.way.far', {
    km: found.km >= 10 ? Math.round(found.km) : found.km,
    minutes: found.minutes ?? 0,
  });
  return (
    <Panel
      title={t('thread.way')}
      aside={
        <span className={styles.far}>
          <span className="quiet">{far}</span>
          <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? 'thread.way.close' : 'thread.way.open')}
          </Button>
        </span>
      }
    >
      {open && (
        <div className={styles.mapped}>
          <RegionMap
            label={t('thread.way.map', { from: found.from.name, to: found.to.name })}
            areas={areas.state === 'here' ? areas.value : []}
            marks={marks}
            chosen={found.to.id}
            onChoose={(id) => void navigate(`${usesDirectory(person) ? '/directory' : '/nearby'}/${id}`)}
            way
          />
        </div>
      )}
    </Panel>
  );
}
