package org.luthier.assembler.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentTokens;

/** Notes to ids and back, ids that mean nothing together, ids that mean nothing at all, and walks through the grammar. */
class RandomStreamsTest {
    private static final int SEEDS = 60;
    /** A note's end is its start and 0.01 in double, or a count of steps: they differ by a few units in the last place. */
    private static final double SECONDS_TOLERANCE = 1e-9;

    /** Each stands for its class, and each class has a channel. */
    private static final int[] PROGRAMS = {0, 2, 8, 16, 24, 26, 29, 32, 33, 40, 48, 56, 61, 64, 73, 80, 88, 100, 101};

    private static final int[] DRUMS = {36, 38, 42, 46, 49, 51, 60};

    static Stream<Arguments> streams() {
        return Streams.tokenizers().stream()
                .flatMap(tokenizer -> IntStream.range(0, SEEDS).mapToObj(seed -> Arguments.of(tokenizer, seed)));
    }

    /** Whole steps, at least one long and not more than 10 s; no overlap within one pitch and program; rows that are not cut. */
    @ParameterizedTest
    @MethodSource("streams")
    void notesComeBack(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        double seconds = 0.5 + random.nextInt(9000) / 100.0;
        List<Note> notes = notes(random, seconds);

        List<SegmentTokens> segments = tokenizer.encode(notes, seconds);

        Assembled assembled = Streams.assemble(tokenizer, segments);
        assertEquals(0, assembled.invalid());
        assertEquals(0, assembled.dropped());
        assertSameNotes(notes, assembled.notes());
        segments.forEach(segment -> segment.channels().forEach(row -> assertAllowed(tokenizer, row)));
        segments.forEach(segment ->
                segment.channels().forEach(row -> assertEquals(row, tokenizer.ids(tokenizer.events(row)))));
    }

    private static void assertAllowed(NoteTokenizer tokenizer, IntList ids) {
        Grammar grammar = tokenizer.grammar();
        for (int i = 0; i < ids.size(); i++) {
            assertTrue(
                    grammar.allowed().get(ids.get(i)),
                    () -> "allowed is " + grammar.allowed() + " in " + tokenizer.events(ids));
            grammar.advance(ids.get(i));
        }
    }

    private static List<Note> notes(Random random, double seconds) {
        int steps = (int) (seconds * 100);
        int programs = 1 + random.nextInt(PROGRAMS.length);
        int pitches = 1 + random.nextInt(30);
        int longest = random.nextBoolean() ? 20 : 1 + random.nextInt(999);
        Map<List<Integer>, Integer> free = new HashMap<>();
        List<Note> notes = new ArrayList<>();
        // Of 40 notes, each says its start and end in three ids at most: no row is as long as 256.
        int count = random.nextInt(40);
        for (int i = 0; i < count; i++) {
            boolean drum = random.nextInt(4) == 0;
            int program = drum ? 0 : PROGRAMS[random.nextInt(programs)];
            int pitch = drum ? DRUMS[random.nextInt(DRUMS.length)] : 127 - random.nextInt(pitches);
            List<Integer> key = List.of(drum ? 128 : program, pitch);
            int from = free.getOrDefault(key, 0) + (random.nextBoolean() ? 0 : random.nextInt(300));
            int to = from + 1 + (drum ? 0 : random.nextInt(longest));
            if (to <= steps + 100) {
                free.put(key, to);
                notes.add(Note.of(from / 100.0, to / 100.0, pitch, NoteRules.VELOCITY, program, drum));
            }
        }
        return notes;
    }

    private static void assertSameNotes(List<Note> expected, List<Note> got) {
        assertEquals(expected.size(), got.size());
        List<Note> a = expected.stream().sorted(Streams.ORDER).toList();
        List<Note> b = got.stream().sorted(Streams.ORDER).toList();
        for (int i = 0; i < a.size(); i++) {
            Note one = a.get(i);
            Note other = b.get(i);
            String which = one + " and " + other;
            assertEquals(one.start(), other.start(), SECONDS_TOLERANCE, which);
            assertEquals(one.end(), other.end(), SECONDS_TOLERANCE, which);
            assertEquals(
                    Note.of(0, 0, one.pitch(), one.velocity(), one.program(), one.drum()),
                    Note.of(0, 0, other.pitch(), other.velocity(), other.program(), other.drum()),
                    which);
        }
    }

    /** Whatever the ids of the vocabulary say, notes come of it that hold to the rules, and a file. */
    @ParameterizedTest
    @MethodSource("streams")
    void anyIdsMakeNotes(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        int size = tokenizer.vocabulary().size();
        List<SegmentTokens> segments = segments(tokenizer, random, () -> random.nextInt(size));

        Assembled assembled = Streams.assemble(tokenizer, segments);

        List<Note> notes = assembled.notes();
        for (int i = 0; i < notes.size(); i++) {
            Note note = notes.get(i);
            // 0.01 in double, added to a start and taken away again.
            assertTrue(note.end() - note.start() > 0.01 - SECONDS_TOLERANCE, () -> note.toString());
            assertTrue(note.end() - note.start() <= 10, () -> note.toString());
            assertTrue(note.velocity() == NoteRules.VELOCITY && note.start() >= 0, () -> note.toString());
            assertTrue(i == 0 || notes.get(i - 1).start() <= note.start(), () -> note.toString());
        }
        assertEquals(notes.size() > 0, Streams.midi(notes).length > 30);
    }

    /** The one exception that there is, and where the ids first are none of the vocabulary. */
    @ParameterizedTest
    @MethodSource("streams")
    void idsBeyondTheVocabularyAreRefused(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        int size = tokenizer.vocabulary().size();
        List<SegmentTokens> segments =
                segments(tokenizer, random, () -> random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(size));
        boolean hostile = segments.stream()
                .flatMap(segment -> segment.channels().stream())
                .anyMatch(row -> row.anySatisfy(id -> id < 0 || id >= size));
        if (hostile) {
            assertThrows(LuthierException.class, () -> Streams.assemble(tokenizer, segments));
        } else {
            Streams.assemble(tokenizer, segments);
        }
    }

    private static List<SegmentTokens> segments(NoteTokenizer tokenizer, Random random, IntSupplier ids) {
        // Ids that make things happen come more often than their number says.
        IntList useful = tokenizer.ids(List.of(
                new Event("tie", 0),
                new Event("velocity", 1),
                new Event("velocity", 0),
                new Event("program", 0),
                new Event("pitch", 60),
                new Event("pitch", 62),
                new Event("drum", 36)));
        List<SegmentTokens> segments = new ArrayList<>();
        int channels = tokenizer.encode(List.of(), 1).get(0).channels().size();
        int count = random.nextInt(8);
        for (int segment = 0; segment < count; segment++) {
            List<IntList> rows = new ArrayList<>();
            for (int channel = 0; channel < channels; channel++) {
                MutableIntList row = IntLists.mutable.empty();
                int length = random.nextInt(80);
                for (int i = 0; i < length; i++) {
                    row.add(random.nextBoolean() ? useful.get(random.nextInt(useful.size())) : ids.getAsInt());
                }
                rows.add(row);
            }
            segments.add(new SegmentTokens(Streams.start(segment), rows));
        }
        return segments;
    }

    /** The grammar leaves nothing to find fault with. Ties of what does not sound it cannot know; only ends tell of those. */
    @ParameterizedTest
    @MethodSource("streams")
    void whatTheGrammarAllowsIsRight(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        List<SegmentTokens> segments = new ArrayList<>();
        for (SegmentTokens empty : tokenizer.encode(List.of(), 8)) {
            List<IntList> rows = new ArrayList<>();
            for (int channel = 0; channel < empty.channels().size(); channel++) {
                rows.add(walk(tokenizer, random));
            }
            segments.add(new SegmentTokens(empty.start(), rows));
        }

        Assembled assembled = Streams.assemble(tokenizer, segments);

        assertEquals(0, assembled.invalid());
        assertTrue(assembled.notes().size() > 0);
    }

    /** One of the kinds allowed, then one of its ids, so that the many programs do not crowd out the rest. */
    private static IntList walk(NoteTokenizer tokenizer, Random random) {
        Grammar grammar = tokenizer.grammar();
        MutableIntList ids = IntLists.mutable.empty();
        while (ids.size() < 200 && !ids.contains(tokenizer.vocabulary().end())) {
            BitSet allowed = grammar.allowed();
            List<int[]> kinds = tokenizer.vocabulary().ranges().stream()
                    .map(range -> IntStream.range(range.firstId(), range.firstId() + range.count())
                            .filter(allowed::get)
                            .toArray())
                    .filter(kind -> kind.length > 0)
                    .toList();
            int[] kind = kinds.get(random.nextInt(kinds.size()));
            int id = kind[random.nextInt(kind.length)];
            if (id == tokenizer.vocabulary().end() && kinds.size() > 1 && random.nextInt(20) > 0) {
                continue;
            }
            ids.add(id);
            grammar = random.nextInt(10) == 0 ? grammar.copy() : grammar;
            grammar.advance(id);
        }
        return ids;
    }
}
