// The emoji that apps use most, by Slack's names; others stay as they were written.

const EMOJI = {
  "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", white_check_mark: "✅",
  heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎",
  no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", warning: "⚠️", rotating_light: "🚨",
  question: "❓", exclamation: "❗", bangbang: "‼️", information_source: "ℹ️", bulb: "💡",
  eyes: "👀", hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰",
  clock3: "🕒", calendar: "📆", date: "📅", bell: "🔔", no_bell: "🔕", lock: "🔒", unlock: "🔓",
  key: "🔑", shield: "🛡️", robot_face: "🤖", wave: "👋", pray: "🙏", clap: "👏", raised_hands: "🙌",
  point_right: "👉", point_up: "☝️", ok_hand: "👌", muscle: "💪", tada: "🎉", rocket: "🚀",
  fire: "🔥", star: "⭐", sparkles: "✨", zap: "⚡", heart: "❤️", smile: "😄", slightly_smiling_face: "🙂",
  thinking_face: "🤔", sob: "😭", sweat_smile: "😅", joy: "😂", zzz: "💤", gear: "⚙️", wrench: "🔧",
  hammer: "🔨", mag: "🔍", memo: "📝", pencil: "📝", pencil2: "✏️", page_facing_up: "📄",
  file_folder: "📁", open_file_folder: "📂", wastebasket: "🗑️", package: "📦", email: "📧",
  envelope: "✉️", incoming_envelope: "📨", link: "🔗", paperclip: "📎", pushpin: "📌", chart_with_upwards_trend: "📈",
  bar_chart: "📊", moneybag: "💰", credit_card: "💳", computer: "💻", globe_with_meridians: "🌐",
  bug: "🐛", construction: "🚧", recycle: "♻️", repeat: "🔁", arrow_right: "➡️", arrow_left: "⬅️",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", speech_balloon: "💬", mega: "📣", coffee: "☕",
};

export const emoji = (name) => EMOJI[name] ?? `:${name}:`;

export const withEmoji = (text) => text.replace(
  /:([a-z0-9_+-]+):/g, (word, name) => EMOJI[name] ?? word);
