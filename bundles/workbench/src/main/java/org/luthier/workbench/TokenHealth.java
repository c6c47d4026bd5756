package org.luthier.workbench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
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
public final class TokenHealth {
    /** What is looked at. */
    public enum Subject {
        /** What the model says, whatever it means. */
        TOKENS,
        /** Whether it makes sense as events. */
        GRAMMAR,
        /** What notes came of it. */
        NOTES
    }

    /**
     * Something that no healthy model says.
     *
     * @param seen what and where
     * @param causes what it mostly comes from; null where that cannot be told
     */
    public record Sign(Subject subject, String seen, String causes) {}

    /** A row is stuck if that many of its last ids repeat each other: shifts go up, so nothing sound is said twice without an end. */
    private static final int REPEATED = 32;

    private static final int LONGEST_CYCLE = 8;

    /** Every event has a shift, a velocity or another pitch beside it, so that no id is much more than half of what is said. */
    private static final double MOSTLY = 0.6;

    /** With fewer ids than this nothing is said about shares. */
    private static final int ENOUGH = 32;

    /** Of fewer rows than this it may be the recording: nothing is said about causes. */
    private static final double MANY = 0.25;

    /** So many rows that are all the same and so long are no chance. */
    private static final int ALIKE_ROWS = 3;

    private static final int ALIKE_IDS = 4;

    /** How many are named where there may be thousands. */
    private static final int NAMED = 3;

    /** A recording whose largest sample is below this, 60 dB under full scale, may well be without notes. */
    private static final double QUIET = 1e-3;

    private static final String NEXT =
            "; next: checkpoint:doctor CHECKPOINT --audio FILE looks further; layer:trace --input REFERENCE -o TRACE and"
                    + " layer:diff TRACE REFERENCE, with a reference from a healthy run, name the first layer that departs";
    private static final String SCALED = "attention is scaled though the weights have the scale in them";
    private static final String WRONG_WEIGHTS =
            "kernels were reshaped in place of transposed, or never read; the output matrix"
                    + " is the embedding matrix; or the scales of the norms, which stand inside the checkpoint's own file, were not read";

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
    private final List<Sign> signs = new ArrayList<>();

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

    /** What seems wrong, each one line; nothing if all is well. The first cause that is named is that of the most telling sign. */
    static List<String> warnings(
            Tokenizer tokenizer, List<SegmentTokens> segments, Assembled assembled, AudioFacts audio) {
        List<String> warnings = new ArrayList<>();
        boolean explained = false;
        for (Sign sign : signs(tokenizer, segments, assembled, audio)) {
            if (sign.causes == null) {
                warnings.add(sign.seen + "; what was heard there is not to be trusted");
            } else {
                warnings.add(sign.seen
                        + (explained ? "; likely of the same cause" : "; likely causes: " + sign.causes + NEXT));
                explained = true;
            }
        }
        return List.copyOf(warnings);
    }

    /** What seems wrong, the most telling sign first; nothing if all is well. */
    public static List<Sign> signs(
            Tokenizer tokenizer, List<SegmentTokens> segments, Assembled assembled, AudioFacts audio) {
        TokenHealth health = new TokenHealth(tokenizer, segments);
        health.alike();
        health.stuck();
        health.mostlyOneId();
        health.withoutEnd();
        health.withoutTie();
        health.outOfRange();
        health.refused(assembled);
        health.withoutNotes(assembled, audio);
        return List.copyOf(health.signs);
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
            String seen = count + (count == 1 ? " token is" : " tokens are") + " beyond the " + vocabulary.size()
                    + " ids of tokenizer " + tokenizer.id() + " and left out: " + String.join(", ", places)
                    + (count > NAMED ? ", ..." : "");
            warn(
                    Subject.GRAMMAR,
                    seen,
                    "rows of the output matrix that were never trained are read in place of others");
        }
    }

    /** A sustained chord is not told alike in its first segment. What says one id from the beginning is alike for that reason. */
    private void alike() {
        int[] first = rows.get(0).ids;
        if (rows.size() >= ALIKE_ROWS
                && first.length >= ALIKE_IDS
                && rows.get(0).tail > 0
                && rows.stream().allMatch(row -> Arrays.equals(row.ids, first))) {
            warn(
                    Subject.TOKENS,
                    "all " + rows.size() + " segments have the same " + first.length + " tokens, of which the first is "
                            + describe(first[0]),
                    "the features are all zero, or the decoder's cross attention does not see the encoder");
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
        warn(
                Subject.TOKENS,
                stuck,
                "the tokens repeat each other to the end: " + what + (cycles.size() > NAMED ? ", ..." : ""),
                " from position " + stuck.get(0).tail + " on",
                whyStuck(stuck));
    }

    private String whyStuck(List<Row> stuck) {
        if (!most(stuck, row -> tokenizer.grammar().allowed().get(row.ids[0]))) {
            return WRONG_WEIGHTS;
        }
        if (most(stuck, row -> row.ids[0] == row.ids[1])) {
            return "the token chosen last is not fed back, so that the first one comes again and again";
        }
        return "the decoder's self attention sees the newest token only (keys and values are not kept, or not passed on), or "
                + SCALED;
    }

    private static boolean most(List<Row> rows, Predicate<Row> test) {
        return 2 * rows.stream().filter(test).count() > rows.size();
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
            warn(
                    Subject.TOKENS,
                    Math.round(100.0 * most.getValue() / ids) + " % of all tokens are " + describe(most.getKey()),
                    WRONG_WEIGHTS);
        }
    }

    private void withoutEnd() {
        List<Row> endless =
                rows.stream().filter(row -> !row.ended && !row.stuck()).toList();
        if (!endless.isEmpty()) {
            warn(
                    Subject.TOKENS,
                    endless,
                    "there is no end token (" + vocabulary.end() + ")",
                    " after " + endless.get(0).ids.length + " tokens",
                    "the decoder does not see the encoder's output as it should (cross attention, positions, features), or "
                            + SCALED + ", or the end id is another one");
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
            warn(
                    Subject.GRAMMAR,
                    without,
                    "there is no tie token (" + tie.firstId() + "), without which no note starts",
                    "",
                    "the model is one without ties, which needs another tokenizer, or what it says is wrong from the beginning");
        }
    }

    private void refused(Assembled assembled) {
        long refused = assembled.invalid() + assembled.dropped();
        if (ids >= ENOUGH && refused > ids / 2) {
            warn(
                    Subject.GRAMMAR,
                    refused + " of " + ids + " events were refused (" + assembled.invalid()
                            + " mean nothing where they stand, " + assembled.dropped()
                            + " were understood and not used)",
                    "the ids mean something else to the model than to tokenizer " + tokenizer.id()
                            + ", or the decoder's position stands still after its first steps");
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
        warn(
                Subject.NOTES,
                String.format(
                        Locale.ROOT,
                        "no notes, though the recording is not silent (its largest sample is %.3f) and has %d tokens",
                        audio.peak(),
                        ids),
                (heardNothing
                        ? "there is nothing in it that the model knows, or it is much louder or softer than music (largest"
                                + " sample 0.01 to 0.7), or the features are not those that the model was trained on"
                        : "the tokens are wrong, or need another --assembler"));
    }

    /** Tells of something that only some rows have. Of few rows it may be the recording: then nothing is said about causes. */
    private void warn(Subject subject, List<Row> some, String seen, String where, String causes) {
        boolean channels = rows.stream().anyMatch(row -> row.channel > 0);
        String text = "in " + some.size() + " of " + rows.size() + (channels ? " channels of segments " : " segments ")
                + seen + "; first in " + place(some.get(0)) + where;
        warn(subject, text, many(some) ? causes : null);
    }

    private void warn(Subject subject, String seen, String causes) {
        signs.add(new Sign(subject, seen, causes));
    }

    private boolean many(List<Row> some) {
        return !some.isEmpty() && some.size() >= MANY * rows.size();
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
