import type { Choosable } from './search';

/** Why a referral is made or refused: nine reasons up, seven down (REF-2, REF-3), as the server has them (`referral/codes.py`; a test holds them together). */
export type Direction = 'up' | 'down' | 'lateral';
export const DIRECTIONS: readonly Direction[] = ['up', 'down', 'lateral'];

export const UP_REASONS: readonly Choosable[] = [
  {
    code: 'critical-beyond-capability',
    zh: '急危重症，本机构难以实施有效救治',
    en: 'Critical illness beyond our capability',
    pinyin: 'ji wei zhong zheng ben ji gou nan yi shi shi you xiao jiu zhi',
  },
  {
    code: 'undiagnosed-complex',
    zh: '不能确诊的疑难复杂病例',
    en: 'Undiagnosed or complex case',
    pinyin: 'bu neng que zhen de yi nan fu za bing li',
  },
  {
    code: 'mass-casualty',
    zh: '重大伤亡事件中伤情较重、处置能力受限',
    en: 'Mass casualty event',
    pinyin: 'zhong da shang wang shi jian zhong shang qing jiao zhong chu zhi neng li shou xian',
  },
  {
    code: 'outside-scope',
    zh: '超出核准诊疗登记科目',
    en: 'Outside our licensed scope of service',
    pinyin: 'chao chu he zhun zhen liao deng ji ke mu',
  },
  {
    code: 'needs-higher-test',
    zh: '需到上一级医院做进一步检查以明确诊断',
    en: 'Needs a test only a higher tier has',
    pinyin: 'xu dao shang yi ji yi yuan zuo jin yi bu jian cha yi ming que zhen duan',
  },
  {
    code: 'infectious',
    zh: '传染病，按规定转往定点医疗机构',
    en: 'Infectious disease',
    pinyin: 'chuan ran bing an gui ding zhuan wang ding dian yi liao ji gou',
  },
  {
    code: 'acute-psychiatric',
    zh: '精神障碍疾病急性发作期',
    en: 'Acute psychiatric episode',
    pinyin: 'jing shen zhang ai ji bing ji xing fa zuo qi',
  },
  {
    code: 'legal-dispute',
    zh: '法律法规规定或涉及医疗纠纷需转诊',
    en: 'Required by law, or a dispute',
    pinyin: 'fa lu fa gui gui ding huo she ji yi liao jiu fen xu zhuan zhen',
  },
  {
    code: 'other-limits',
    zh: '技术、设备等其他条件受限',
    en: 'Other limits of skill or equipment',
    pinyin: 'ji shu she bei deng qi ta tiao jian shou xian',
  },
];

export const DOWN_REASONS: readonly Choosable[] = [
  {
    code: 'stable-after-acute',
    zh: '急性期治疗后病情稳定，需继续康复',
    en: 'Stable after the acute phase',
    pinyin: 'ji xing qi zhi liao hou bing qing wen ding xu ji xu kang fu',
  },
  {
    code: 'diagnosed-no-special-treatment',
    zh: '诊断明确，不需特殊治疗',
    en: 'Diagnosed, no special treatment needed',
    pinyin: 'zhen duan ming que bu xu te shu zhi liao',
  },
  {
    code: 'late-tumour-palliative',
    zh: '晚期肿瘤，非手术治疗或安宁疗护',
    en: 'Late-stage tumour, palliative care',
    pinyin: 'wan qi zhong liu fei shou shu zhi liao huo an ning liao hu',
  },
  {
    code: 'long-term-chronic',
    zh: '需长期治疗的慢性病',
    en: 'Long-term chronic disease',
    pinyin: 'xu chang qi zhi liao de man xing bing',
  },
  { code: 'elderly-nursing', zh: '老年护理', en: 'Nursing of the elderly', pinyin: 'lao nian hu li' },
  {
    code: 'psychiatric-recovery',
    zh: '精神疾病恢复期',
    en: 'Recovery from psychiatric illness',
    pinyin: 'jing shen ji bing hui fu qi',
  },
  {
    code: 'common-disease',
    zh: '一般常见病、多发病',
    en: 'Common disease',
    pinyin: 'yi ban chang jian bing duo fa bing',
  },
];

export const REASONS: Readonly<Record<Direction, readonly Choosable[]>> = {
  up: UP_REASONS,
  down: DOWN_REASONS,
  lateral: [...UP_REASONS, ...DOWN_REASONS],
};

export const LEAVE_REASONS: readonly Choosable[] = [
  {
    code: 'refused',
    zh: '患者或家属拒绝转诊',
    en: 'Patient or family refuses the referral',
    pinyin: 'huan zhe huo jia shu ju jue zhuan zhen',
  },
  { code: 'left', zh: '违反医嘱自动离院', en: 'Left against medical advice', pinyin: 'wei fan yi zhu zi dong li yuan' },
  {
    code: 'elsewhere',
    zh: '自行前往其他机构就诊',
    en: 'Went to another institution on their own',
    pinyin: 'zi xing qian wang qi ta ji gou jiu zhen',
  },
];

export const DECLINE_REASONS: readonly Choosable[] = [
  {
    code: 'no-capacity',
    zh: '暂无床位或号源',
    en: 'No bed or appointment free',
    pinyin: 'zan wu chuang wei huo hao yuan',
  },
  {
    code: 'no-capability',
    zh: '无相应诊疗科目或技术条件',
    en: 'We cannot treat this here',
    pinyin: 'wu xiang ying zhen liao ke mu huo ji shu tiao jian',
  },
  {
    code: 'other-specialty',
    zh: '科室不符，建议转其他专科',
    en: 'Another specialty is needed',
    pinyin: 'ke shi bu fu jian yi zhuan qi ta zhuan ke',
  },
  {
    code: 'incomplete',
    zh: '资料不全，补充后可再次申请',
    en: 'Incomplete; may be sent again when completed',
    pinyin: 'zi liao bu quan bu chong hou ke zai ci shen qing',
  },
  {
    code: 'not-indicated',
    zh: '未达转诊指征，建议原机构继续管理',
    en: 'Criteria for referral not met',
    pinyin: 'wei da zhuan zhen zhi zheng jian yi yuan ji gou ji xu guan li',
  },
  {
    code: 'unfit-to-travel',
    zh: '病情不宜转运，建议就地救治并请会诊',
    en: 'Unfit to travel: treat in place and consult',
    pinyin: 'bing qing bu yi zhuan yun jian yi jiu di jiu zhi bing qing hui zhen',
  },
  { code: 'duplicate', zh: '重复转诊', en: 'Duplicate referral', pinyin: 'chong fu zhuan zhen' },
  {
    code: 'patient-unwilling',
    zh: '患者或家属不同意',
    en: 'Patient or family does not agree',
    pinyin: 'huan zhe huo jia shu bu tong yi',
  },
  { code: 'other', zh: '其他（请说明）', en: 'Other (say which)', pinyin: 'qi ta qing shuo ming' },
];
