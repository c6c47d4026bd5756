package org.luthier.workbench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/**
 * Looks at what a model said for a whole recording and warns of what no healthy model says, so that a fault of the model, its weights
 * or its vocabulary does not end in few notes, or none, without a word.
 *
 * <p>The likely causes come from an experiment: 25 faults were put into MT3, one at a time, and what it then said was looked at.
 */
final class TokenHealth {
    /** A row is stuck if that many of its last ids repeat each other: shifts go up, so nothing sound is said twice without an end. */
    private static final int REPEATED = 32;

    private static final int LONGEST_CYCLE = 8;

    /** Every event has a shift, a velocity or another pitch beside it, so that no id is much more than half of what is said. */
    private static final double MOSTLY = 0.6;

    /** With fewer ids than this nothing is said about shares. */
    private static final int ENOUGH = 32;

    /** Of fewer rows than this it may be the recording: nothing is said about causes. */
    private static final double MANY = 0.25;

    /** How many are named where there may be thousands. */
    private static final int NAMED = 3;

    /** A recording whose largest sample is below this, 60 dB under full scale, may well be without notes. */
    private static final double QUIET = 1e-3;

    private static final String DIFF =
            "; next: layer:trace --input REFERENCE -o TRACE and layer:diff TRACE REFERENCE, with a"
                    + " reference from a healthy run, name the first layer that departs";
    private static final String INSPECT = "; next: checkpoint:inspect CHECKPOINT shows which weights there are";

    /**
     * What was said for one channel of a segment.
     *
     * @param ids without the end token
     * @param ended whether there was one
     * @param tail where the ids begin that repeat each other; the number of ids if none do
     * @param cycle how many ids are repeated
     */
    private record Row(int segment, int channel, double start, int[] ids, boolean ended, int tail, int cycle) {
        boolean stuck() {
            return tail < ids.length;
        }
    }

    private final Tokenizer tokenizer;
    private final Vocabulary vocabulary;
    private final List<Row> rows = new ArrayList<>();
    private final long ids;
    private final List<String> warnings = new ArrayList<>();

    private TokenHealth(Tokenizer tokenizer, List<SegmentTokens> segments) {
        this.tokenizer = tokenizer;
        this.vocabulary = tokenizer.vocabulary();
        for (int segment = 0; segment < segments.size(); segment++) {
            SegmentTokens tokens = segments.get(segment);
            for (int channel = 0; channel < tokens.channels().size(); channel++) {
                rows.add(row(segment, channel, tokens));
            }
        }
        this.ids = rows.stream().mapToLong(row -> row.ids.length).sum();
    }

    /** What seems wrong, each one line; nothing if all is well. */
    static List<String> warnings(
            Tokenizer tokenizer, List<SegmentTokens> segments, Assembled assembled, AudioFacts audio) {
        TokenHealth health = new TokenHealth(tokenizer, segments);
        health.outOfRange();
        health.stuck();
        health.mostlyOneId();
        health.withoutEnd();
        health.withoutTie();
        health.refused(assembled);
        health.withoutNotes(assembled, audio);
        return List.copyOf(health.warnings);
    }

    private Row row(int segment, int channel, SegmentTokens tokens) {
        IntList all = tokens.channels().get(channel);
        int end = all.indexOf(vocabulary.end());
        int[] said = end < 0 ? all.toArray() : Arrays.copyOf(all.toArray(), end);
        int tail = said.length;
        int cycle = 0;
        while (tail == said.length && cycle < LONGEST_CYCLE) {
            cycle++;
            int first = said.length - cycle;
            while (first > 0 && said[first - 1] == said[first - 1 + cycle]) {
                first--;
            }
            if (said.length - first >= REPEATED) {
                tail = first;
            }
        }
        return new Row(segment, channel, tokens.start(), said, end >= 0, tail, cycle);
    }

    private void outOfRange() {
        List<String> places = new ArrayList<>();
        int count = 0;
        for (Row row : rows) {
            for (int i = 0; i < row.ids.length; i++) {
                int id = row.ids[i];
                if (id < 0 || id >= vocabulary.size()) {
                    count++;
                    if (count <= NAMED) {
                        places.add(id + " in " + place(row) + " at position " + i);
                    }
                }
            }
        }
        if (count > 0) {
            warnings.add(count + (count == 1 ? " token is" : " tokens are") + " beyond the " + vocabulary.size()
                    + " ids of tokenizer " + tokenizer.id() + " and " + (count == 1 ? "was" : "were") + " left out: "
                    + String.join(", ", places) + (count > NAMED ? ", ..." : "")
                    + "; likely causes: output rows that were never trained were read in place of others, or kernels were"
                    + " reshaped in place of transposed" + DIFF);
        }
    }

    private void stuck() {
        List<Row> stuck = rows.stream().filter(Row::stuck).toList();
        if (stuck.isEmpty()) {
            return;
        }
        Map<String, Integer> cycles = new TreeMap<>();
        stuck.forEach(row -> cycles.merge(cycle(row), 1, Integer::sum));
        String what = cycles.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .limit(NAMED)
                .map(each -> each.getKey() + " in " + each.getValue())
                .collect(Collectors.joining(", "));
        Row first = stuck.get(0);
        warnings.add(share(stuck) + " to the end the same over and over, first " + place(first) + " from position "
                + first.tail + " on: " + what + (cycles.size() > NAMED ? ", ..." : "")
                + because(stuck, whyStuck(stuck, cycles.size())));
    }

    private String whyStuck(List<Row> stuck, int cycles) {
        if (stuck.stream().filter(row -> row.tail > 1).count() > stuck.size() / 2) {
            return "the decoder's self attention sees the newest token only (the cache of keys and values is not kept, or not"
                    + " passed on); if the beginnings are wrong too, its position stands still as well" + DIFF;
        }
        if (cycles > 1) {
            return "the token chosen last is not fed back, so that the first one comes for ever" + DIFF;
        }
        return wrongWeights(stuck.get(0).ids[stuck.get(0).tail]);
    }

    private void mostlyOneId() {
        if (ids < ENOUGH || many(rows.stream().filter(Row::stuck).toList())) {
            return;
        }
        Map<Integer, Long> counts = rows.stream()
                .flatMapToInt(row -> Arrays.stream(row.ids))
                .boxed()
                .collect(Collectors.groupingBy(id -> id, Collectors.counting()));
        Map.Entry<Integer, Long> most =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
        // A model that hears nothing says little else than tie.
        if (most.getValue() > MOSTLY * ids && !range(most.getKey()).type().equals("tie")) {
            warnings.add(Math.round(100.0 * most.getValue() / ids) + " % of all tokens are " + describe(most.getKey())
                    + "; likely causes: " + wrongWeights(most.getKey()));
        }
    }

    /** Why a model says the same whatever it hears. */
    private String wrongWeights(int id) {
        return (range(id).type().equals("velocity")
                        ? "the scales of the norms are all 1 (the arrays inside the checkpoint's own file were not read)"
                        : "kernels were reshaped in place of transposed, or never read, or the output matrix is the embedding"
                                + " matrix")
                + INSPECT
                + DIFF.replace("; next:", ";");
    }

    private void withoutEnd() {
        List<Row> endless =
                rows.stream().filter(row -> !row.ended && !row.stuck()).toList();
        if (!endless.isEmpty()) {
            warnings.add(share(endless) + " much and no end token (" + vocabulary.end() + "), first "
                    + place(endless.get(0)) + " with " + endless.get(0).ids.length + " tokens"
                    + because(
                            endless,
                            "attention is scaled in the decoder though the weights have the scale in them, or the end id is not"
                                    + " the model's" + DIFF));
        }
    }

    private void withoutTie() {
        Range tie = vocabulary.ranges().stream()
                .filter(range -> range.type().equals("tie"))
                .findFirst()
                .orElse(null);
        if (tie == null) {
            return;
        }
        List<Row> without = rows.stream()
                .filter(row -> row.ids.length > 0
                        && !row.stuck()
                        && Arrays.stream(row.ids).noneMatch(id -> id == tie.firstId()))
                .toList();
        if (!without.isEmpty()) {
            warnings.add(share(without) + " no tie token (" + tie.firstId() + "), first " + place(without.get(0))
                    + ": no note starts in them"
                    + because(
                            without,
                            "the model is one without ties, which needs another tokenizer, or it says something else altogether"
                                    + DIFF));
        }
    }

    private void refused(Assembled assembled) {
        long refused = assembled.invalid() + assembled.dropped();
        if (ids >= ENOUGH && refused > ids / 2) {
            warnings.add(refused + " of " + ids + " events were refused (" + assembled.invalid() + " invalid, "
                    + assembled.dropped()
                    + " after the end of their segment); likely causes: the ids mean something else to the"
                    + " model than to tokenizer " + tokenizer.id()
                    + ", or the decoder's position stands still after its first steps" + DIFF);
        }
    }

    private void withoutNotes(Assembled assembled, AudioFacts audio) {
        if (!assembled.notes().isEmpty()
                || audio.silent()
                || audio.peak() < QUIET
                || audio.seconds() < tokenizer.segmentSeconds()) {
            return;
        }
        boolean heardNothing = ids <= 2L * rows.size();
        warnings.add(String.format(
                Locale.ROOT,
                "no notes, though the recording is not silent (largest sample %.3f) and %d tokens were said for it%s",
                audio.peak(),
                ids,
                heardNothing
                        ? "; likely causes: nothing in it that the model knows, a level far from that of music (largest"
                                + " sample 0.01 to 0.7), or features that are not what it was trained on" + DIFF
                        : "; likely causes: see the other warnings, or another --assembler that expects other events"
                                + DIFF));
    }

    private boolean many(List<Row> some) {
        return !some.isEmpty() && some.size() >= MANY * rows.size();
    }

    private String because(List<Row> some, String causes) {
        return many(some) ? "; likely causes: " + causes : "; what was heard there is not to be trusted";
    }

    /** {@code 3 of 11 segments say}. */
    private String share(List<Row> some) {
        boolean channels = rows.stream().anyMatch(row -> row.channel > 0);
        return some.size() + " of " + rows.size() + (channels ? " channels of segments" : " segments") + " say";
    }

    private static String place(Row row) {
        return String.format(
                Locale.ROOT,
                "segment %d (%.2f s)%s",
                row.segment,
                row.start,
                row.channel == 0 ? "" : ", channel " + row.channel);
    }

    private String cycle(Row row) {
        return Arrays.stream(row.ids, row.ids.length - row.cycle, row.ids.length)
                .sorted()
                .distinct()
                .mapToObj(this::describe)
                .collect(Collectors.joining(" "));
    }

    /** {@code 1133 (velocity 1, note on)}. */
    private String describe(int id) {
        Range range = range(id);
        int value = range.firstValue() + id - range.firstId();
        return id + " ("
                + switch (range.type()) {
                    case "velocity" -> "velocity " + value + (value == 0 ? ", note off" : ", note on");
                    case "tie" -> "tie";
                    case "invalid" -> "no meaning";
                    default -> range.type() + " " + value;
                }
                + ")";
    }

    private Range range(int id) {
        return vocabulary.ranges().stream()
                .filter(range -> id >= range.firstId() && id < range.firstId() + range.count())
                .findFirst()
                .orElse(new Range("invalid", id, 1, id));
    }
}
