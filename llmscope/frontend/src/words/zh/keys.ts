import * as names from "./names";

export const keys = {
  title: "按键",
  buttonTitle: "按键：?",
  close: "关闭",

  caps: {
    ArrowUp: "↑",
    ArrowDown: "↓",
    ArrowLeft: "←",
    ArrowRight: "→",
    Arrow: "方向键",
    Escape: "Esc",
    Enter: "Enter",
    Space: "空格",
    Backspace: "Backspace",
    Delete: "Delete",
    Home: "Home",
    End: "End",
    Mod: "Ctrl",
    Alt: "Alt",
    Shift: "Shift",
  },

  scopes: {
    page: {
      title: "任何地方",
      acts: {
        help: "显示按键",
        release: "逐步释放点击过的内容",
        undo: "撤销对设置、固定的头或关闭部分的一次更改",
        side: "把对模型的改动（或两段文本的 A 减 B）显示为差值，或恢复（加 Shift：原样的文本，或 B）",
        preset: "采样：贪心、0.7、1.5、核采样",
        reset: "重置采样",
      },
    },
    stage: {
      title: "讲课模式",
      acts: {
        go: "显示某个面板",
        tools: "显示或隐藏控件",
        full: "全屏",
        begin: "使用所显示面板的方向键",
      },
    },
    lesson: {
      title: "课程中",
      acts: {
        next: "先揭示答案，再到下一页",
        previous: "上一页",
        right: "同 Page Down",
        space: "同上",
        left: "同 Page Up",
        first: "从头开始，收回所有答案",
        last: "最后一页",
        digit: "数字加 Enter：跳到该页",
        jump: "跳转",
        dark: "黑屏，或恢复",
        light: "只突出一个面板",
        back: "从任何地方回到本页",
        guess: "到要猜的地方：输入框，或滑块",
        tools: "显示或隐藏控件",
        full: "全屏",
        release: "取消黑屏、聚光或输入的数字",
      },
    },
    text: {
      title: names.text,
      acts: {
        accept: "在末尾：接受建议",
        walk: "焦点移到前一个或后一个词元",
        mask: "在掩码模型中遮住焦点词元",
        steer: "在焦点层上，把模型从一段文本引向另一段",
        second: "输入第二段文本，模型的部分计算取自它",
        undo: "撤销输入、接受或遮住的内容",
      },
    },
    texts: {
      title: "两段文本",
      acts: {
        walk: "固定前一个或后一个词元",
        line: "选择文本 A 或 B",
        hold: "拿起一个词元以便手动对齐；在另一行再按一次：对齐两者",
        drop: "放下它",
      },
    },
    line: {
      title: "两段文本中的一行",
      acts: { undo: "撤销输入的内容" },
    },
    second: {
      title: "第二段文本",
      acts: { take: "从它取用部分计算", leave: "保持原来的样子" },
    },
    guess: { title: "猜测框", acts: { add: "加入猜测；没有内容时揭晓" } },
    steer: {
      title: "引导",
      acts: { add: "引导焦点层", leave: "保持原来的样子" },
    },
    amount: {
      title: "改动幅度的滑块",
      acts: { move: "增减十分之一", fine: "百分之一" },
    },
    chain: {
      title: names.chainRule,
      acts: { move: "焦点移到前一个或后一个词元" },
    },
    heads: {
      title: names.allHeads,
      acts: {
        move: "在层和头之间移动",
        pin: "固定该头，或取消固定",
        off: "关闭或恢复该头，或取自第二段文本（加 Shift：该层的注意力）",
        mlp: "对该层的 MLP 做同样的事",
      },
    },
    chip: {
      title: "固定的头",
      acts: { alone: "只显示它", remove: "取消固定" },
    },
    matrix: {
      title: names.matrix,
      acts: {
        move: "读取另一个权重",
        pan: "平移",
        pin: "固定该权重",
        closer: "放大",
        farther: "缩小",
        all: "显示全部",
      },
    },
    arcs: {
      title: names.arcs,
      acts: {
        move: "固定另一个词元；换到另一侧",
        leap: "上移或下移十个词元",
        first: "首个词元",
        last: "末尾词元",
      },
    },
    steps: {
      title: names.steps,
      acts: {
        move: "在步骤间移动；选择键",
        first: "第一步",
        last: "最后一步",
        play: "播放或暂停",
      },
    },
    lens: {
      title: names.lens,
      acts: { move: "移动焦点" },
    },
    model: {
      title: names.model,
      acts: {
        move: "打开上一块或下一块；聚焦上一个或下一个词元",
        head: "选择该块的一个头",
        close: "关闭打开的方框",
      },
    },
    patching: {
      title: names.patching,
      acts: { move: "在层和词元之间移动", take: "修补该格，或取消" },
    },
    survey: {
      title: names.survey,
      acts: {
        move: "移到该方向上的下一个头",
        frame: "画一个框：选中框内的头",
        pin: "选中该头，或取消",
      },
    },
    training: {
      title: names.training,
      acts: { hold: "留住屏幕上的这一步与其他步对照，或取消" },
    },
    trainingSteps: {
      title: "训练步的滑块",
      acts: {
        move: "前一个或后一个保存的步",
        leap: "前十步或后十步",
        first: "第一步",
        last: "最后一步",
        play: "播放或暂停",
      },
    },
    tokenizers: {
      title: names.tokenizers,
      acts: { move: "查看另一块；换一个分词器" },
    },
    evaluation: {
      title: names.evaluation,
      acts: { move: "在数字间移动" },
    },
    evaluated: {
      title: "数字背后的文本",
      acts: { move: "打开前一段或后一段文本" },
    },
    stream: {
      title: names.stream,
      acts: {
        move: "读取另一步；另一个词元",
        first: "读取第一步",
        last: "读取最后一步",
        take: "显示这一步",
      },
    },
    became: {
      title: names.became,
      acts: { move: "在层和头之间移动", pin: "固定该头，或取消固定" },
    },
    headSteps: {
      title: names.headSteps,
      acts: {
        move: "显示前一步或后一步；前一张或后一张图",
        first: "显示第一步",
        last: "显示最后一步",
      },
    },
    lensSteps: {
      title: names.lensSteps,
      acts: {
        move: "读取另一层；另一步",
        first: "读取第一步",
        last: "读取最后一步",
        take: "显示这一步",
      },
    },
    slider: {
      title: "滑块",
      acts: { move: "一格", fine: "一小格" },
    },
    rows: {
      title: "词元列表",
      acts: { move: "移到另一行，或从词元移到它的百分比" },
    },
    search: {
      title: "查找词元",
      acts: { pin: "固定找到的第一个", empty: "清空" },
    },
    written: {
      title: "生成的文本",
      acts: {
        play: "播放或暂停",
        step: "生成一个词元",
        before: "查看前一个词元",
        after: "查看后一个词元；在末尾则生成一个",
        undo: "撤销上一步",
        release: "释放该词元",
      },
    },
  },
} as const;
