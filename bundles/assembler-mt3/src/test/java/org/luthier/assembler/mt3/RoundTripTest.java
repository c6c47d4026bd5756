package org.luthier.assembler.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/**
 * Notes to ids and back is the identity, order apart, on the notes that can be said: whole steps, at least one long; drums one step long
 * with program 0; a velocity of the vocabulary; no overlap within one pitch and program. And the grammar allows all of those ids.
 */
class RoundTripTest {
    private static final int SEEDS = 60;
    /** Times are sums of a start and a count of steps in double; they differ from count / 100 by a few units in the last place. */
    private static final double SECONDS_TOLERANCE = 1e-9;

    private static final Comparator<Note> ORDER = Comparator.comparingLong(
                    (Note note) -> Math.round(note.start() * 100))
            .thenComparing(Note::drum)
            .thenComparingInt(Note::program)
            .thenComparingInt(Note::pitch)
            .thenComparingInt(Note::velocity);

    static Stream<Arguments> lists() {
        return IntStream.range(0, SEEDS)
                .boxed()
                .flatMap(seed ->
                        Stream.of(Arguments.of(new Mt3Tokenizer(), seed), Arguments.of(new Mt3PianoTokenizer(), seed)));
    }

    @ParameterizedTest
    @MethodSource("lists")
    void notesComeBack(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        double seconds = 0.5 + random.nextInt(9000) / 100.0;
        List<Note> notes = notes(random, seconds, tokenizer.id().equals("mt3") ? 1 : 127);

        List<SegmentTokens> segments = tokenizer.encode(notes, seconds);

        Assembled assembled = Streams.assemble(tokenizer, segments);
        assertEquals(0, assembled.invalid());
        assertEquals(0, assembled.dropped());
        assertSameNotes(notes, assembled.notes());
        segments.forEach(segment -> assertAllowed(tokenizer, segment));
    }

    /** Every segment starts where the model's framing says, and there is one wherever a sample of the recording is. */
    @ParameterizedTest
    @MethodSource("lists")
    void segmentsStartOnTheGrid(NoteTokenizer tokenizer, int seed) {
        long samples = seed < 30 ? 32768L * seed : new Random(seed).nextInt(2_000_000);
        int hop = (int) Math.round(tokenizer.segmentSeconds() * 16000);

        List<SegmentTokens> segments = tokenizer.encode(List.of(), samples / 16000.0);

        assertEquals(samples / hop + 1, segments.size());
        for (int i = 0; i < segments.size(); i++) {
            double t = (double) ((long) i * hop) / 16000;
            assertEquals(
                    t - t % (1.0 / tokenizer.stepsPerSecond()), segments.get(i).start());
        }
    }

    private static void assertAllowed(NoteTokenizer tokenizer, SegmentTokens segment) {
        Grammar grammar = tokenizer.grammar();
        IntList ids = segment.channels().get(0);
        for (int i = 0; i < ids.size(); i++) {
            assertTrue(
                    grammar.allowed().get(ids.get(i)),
                    () -> "allowed is " + grammar.allowed() + " in " + tokenizer.events(ids) + " at "
                            + segment.start());
            grammar.advance(ids.get(i));
        }
    }

    /** Random notes that can be said: dense and sparse, tied over many segments, touching, at the same steps, on few or many programs. */
    private static List<Note> notes(Random random, double seconds, int velocities) {
        int steps = (int) (seconds * 100);
        int programs = 1 + random.nextInt(5);
        int pitches = 1 + random.nextInt(30);
        int longest = random.nextBoolean() ? 20 : 1 + random.nextInt(1500);
        Map<Integer, Integer> free = new HashMap<>();
        List<Note> notes = new ArrayList<>();
        int count = random.nextInt(400);
        for (int i = 0; i < count; i++) {
            int velocity = velocities == 1 ? 127 : 1 + random.nextInt(127);
            if (random.nextInt(4) == 0) {
                double start = random.nextInt(steps) / 100.0;
                notes.add(Note.of(start, start + 0.01, 35 + random.nextInt(3), velocity, 0, true));
            } else {
                int program = (31 * random.nextInt(programs)) % 128;
                int pitch = 127 - random.nextInt(pitches);
                int from =
                        free.getOrDefault(program * 128 + pitch, 0) + (random.nextBoolean() ? 0 : random.nextInt(300));
                int to = from + 1 + random.nextInt(longest);
                if (to <= steps + 100) {
                    free.put(program * 128 + pitch, to);
                    notes.add(Note.of(from / 100.0, to / 100.0, pitch, velocity, program, false));
                }
            }
        }
        return notes;
    }

    private static void assertSameNotes(List<Note> expected, List<Note> got) {
        assertEquals(expected.size(), got.size());
        List<Note> a = expected.stream().sorted(ORDER).toList();
        List<Note> b = got.stream().sorted(ORDER).toList();
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
}
