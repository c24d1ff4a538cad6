// How far the tour has come, read from what the bot has said in the channels.

// What the bot's messages say at each step, in their plain text.
const TRAINS = / training: | trained, mAP /;
const MEASURED = / best mAP | trained, mAP /;
const REGISTERED = / v\d+ registered: mAP /;
const ASKED = /^Put .+ v\d+ on .+\?/;
const APPROVED = / v\d+ on \S+: (approved|canary |all |on all devices)/;
const SHIPPED = / v\d+ on \S+: on all devices/;

/** The latest public message of the bot that says this, as `{channel, ts}`. */
function latest(world, words) {
  let found = null;
  for (const channel of world.channels.keys())
    for (const { ts, text, bot_id: bot, ephemeral } of world.messages(channel))
      if (bot && !ephemeral && words.test(text) && ts > (found?.ts ?? "")) found = { channel, ts };
  return found;
}

/** Where each step has left its mark. A later step proves those before it, so a second training takes nothing back. */
export function storyOf(world) {
  const shipped = latest(world, SHIPPED);
  const approved = latest(world, APPROVED);
  const asked = latest(world, ASKED) ?? approved;
  const announced = latest(world, REGISTERED) ?? asked;
  const measured = latest(world, MEASURED) ?? announced;
  const training = latest(world, TRAINS) ?? measured;
  return { training, measured, announced, asked, approved, shipped };
}
