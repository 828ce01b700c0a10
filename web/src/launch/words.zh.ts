/** The words of applications that are opened with a patient, 中文. */
export const launchWords = {
  'launch.menu': '应用',
  'launch.menu.for': '用应用打开该患者',
  'launch.blocked': '浏览器拦截了新窗口，请允许本站打开新窗口后重试。',
  'launch.choose': '选择患者',
  'launch.choose.for': '应用“{name}”请求读取一位患者的资料。请选择患者；该应用只会得知您所选的这一位。',
  'launch.choose.find': '查找患者',
  'launch.choose.hint': '姓名、拼音、证件号或电话',
  'launch.choose.pick': '选择',
  'launch.choose.none': '没有找到患者',
  'launch.choose.none.how': '请核对姓名或号码；只能选择本机构有权查看的患者。',
  'launch.choose.strange': '该地址不是应用发来的登录请求',
  'launch.choose.strange.how': '请从应用重新进入。',
};
