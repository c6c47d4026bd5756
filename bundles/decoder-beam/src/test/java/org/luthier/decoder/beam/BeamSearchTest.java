package org.luthier.decoder.beam;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.decoder.beam.ScriptedSession.Script;

class BeamSearchTest {
    private static final int END = NaiveSearch.END;
    private static final Function<List<Integer>, BitSet> ANY = ids -> NaiveSearch.set(0, 1, 2, 3, 4, 5);

    private final Decoder beam = new BeamDecoder();
    private final Decoder oneBeam = new T5xOneBeamDecoder();

    private static Decoder.Limits limits(int most) {
        return new Decoder.Limits(new Vocabulary("test", 5, 0, END, List.of()), most);
    }

    private static List<List<Integer>> decode(
            Decoder decoder,
            ScriptedSession session,
            int most,
            Map<String, String> settings,
            Supplier<Grammar> grammar) {
        return decoder
                .decode(session, limits(most), grammar, Settings.of(decoder, settings), Cancellation.NONE)
                .stream()
                .map(BeamSearchTest::list)
                .toList();
    }

    private static List<List<Integer>> decode(Decoder decoder, ScriptedSession session, int most, String... settings) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) {
            map.put(settings[i], settings[i + 1]);
        }
        return decode(decoder, session, most, map, () -> {
            throw new AssertionError("the grammar is not asked for");
        });
    }

    private static List<Integer> list(IntList ids) {
        return IntStream.of(ids.toArray()).boxed().toList();
    }

    /** Logits drawn anew for each segment and beginning. */
    private static Script drawn(long seed, int vocabulary, double spread, double end) {
        return (segment, ids) -> {
            Random random = new Random(seed + 31L * segment + 1009L * ids.hashCode());
            random.nextLong();
            float[] logits = new float[vocabulary];
            for (int id = 0; id < vocabulary; id++) {
                logits[id] = (float) (spread * random.nextGaussian() + (id == END ? end : 0));
            }
            return logits;
        };
    }

    /** Probabilities of the ids after each beginning; the last ones stay. */
    private static Script said(double[]... probabilities) {
        return (segment, ids) -> {
            double[] now = probabilities[Math.min(ids.size(), probabilities.length - 1)];
            float[] logits = new float[now.length];
            for (int id = 0; id < now.length; id++) {
                logits[id] = (float) Math.log(now[id]) + 3; // any constant is as good
            }
            return logits;
        };
    }

    /** Ids that may follow the last id. */
    private record Table(Map<Integer, BitSet> after, int last)
            implements Supplier<Grammar>, Function<List<Integer>, BitSet> {
        @Override
        public Grammar get() {
            return new Cursor(after, last);
        }

        @Override
        public BitSet apply(List<Integer> ids) {
            return after.get(ids.isEmpty() ? last : ids.get(ids.size() - 1));
        }

        private static final class Cursor implements Grammar {
            private final Map<Integer, BitSet> after;
            private int last;

            Cursor(Map<Integer, BitSet> after, int last) {
                this.after = after;
                this.last = last;
            }

            @Override
            public BitSet allowed() {
                return after.get(last);
            }

            @Override
            public void advance(int id) {
                last = id;
            }

            @Override
            public Grammar copy() {
                return new Cursor(after, last);
            }
        }
    }

    @Test
    void endTokenFirstAndCertain() {
        ScriptedSession session = new ScriptedSession(1, said(new double[] {0.04, 0.9, 0.03, 0.03}));
        assertEquals(List.of(List.of(END)), decode(oneBeam, session, 1000));
        // -0.105 is above ln(0.04) / (1006/6)^0.6 = -0.149
        assertEquals(List.of(1), session.batches);
    }

    /** Second best is a way to end, and stays the best one when the rest is doubtful. */
    @Test
    void endTokenSecond() {
        ScriptedSession session = new ScriptedSession(
                1, said(new double[] {0.1, 0.4, 0.45, 0.05}, new double[] {0.34, 0.0001, 0.33, 0.3299}));
        List<Integer> ids = decode(oneBeam, session, 20).get(0);
        assertEquals(List.of(END), ids, "greedy would go on with 2");
        assertTrue(session.batches.size() > 1 && session.batches.size() < 20, "stops when nothing can be better");
    }

    /** A kept end gives way to a later one that is better for its length. */
    @Test
    void aLaterEndMayBeBetter() {
        ScriptedSession session = new ScriptedSession(
                1, said(new double[] {0.001, 0.4, 0.598, 0.001}, new double[] {0.001, 0.998, 0.0005, 0.0005}));
        assertEquals(List.of(List.of(2, END)), decode(oneBeam, session, 20));
    }

    @Test
    void endTokenThirdIsNotSeen() {
        ScriptedSession session = new ScriptedSession(1, said(new double[] {0.4, 0.19, 0.3, 0.11}));
        assertEquals(List.of(List.of(0, 0, 0)), decode(oneBeam, session, 3));
        assertEquals(List.of(1, 1, 1), session.batches);
    }

    @Test
    void noEndToken() {
        ScriptedSession session = new ScriptedSession(2, said(new double[] {0.1, 0, 0.2, 0.7}));
        assertEquals(List.of(List.of(3, 3, 3, 3), List.of(3, 3, 3, 3)), decode(oneBeam, session, 4));
        ScriptedSession wide = new ScriptedSession(2, said(new double[] {0.1, 0, 0.2, 0.7}));
        assertEquals(List.of(List.of(3, 3, 3, 3), List.of(3, 3, 3, 3)), decode(beam, wide, 4));
    }

    @Test
    void endTokenAtTheLimit() {
        Script script =
                (segment, ids) -> said(ids.size() == 3 ? new double[] {0, 1, 0, 0} : new double[] {0.1, 0, 0.2, 0.7})
                        .logits(segment, ids);
        assertEquals(List.of(List.of(3, 3, 3, END)), decode(oneBeam, new ScriptedSession(1, script), 4));
        assertEquals(List.of(List.of(3, 3, 3)), decode(oneBeam, new ScriptedSession(1, script), 3));
    }

    /** Of equal ids the lower one: TensorFlow's, JAX's and PyTorch's top-k, and ours. */
    @Test
    void ties() {
        ScriptedSession session = new ScriptedSession(1, said(new double[] {0.1, 0.1, 0.2, 0.2, 0.2, 0.2}));
        assertEquals(List.of(List.of(2, 2)), decode(oneBeam, session, 2));
        // The end token is one of the two likeliest only as the lower of equals.
        ScriptedSession equal = new ScriptedSession(1, said(new double[] {0.1, 0.2, 0.2, 0.2, 0.3}));
        assertEquals(List.of(List.of(END)), decode(oneBeam, equal, 1));
    }

    /** Of equal ends the first is kept; and a search goes on while another could be as good. */
    @Test
    void equalEnds() {
        float never = Float.NEGATIVE_INFINITY;
        Script script = (segment, ids) -> ids.isEmpty() ? new float[] {never, 0, 0} : new float[] {never, 0, never};
        ScriptedSession session = new ScriptedSession(1, script);
        assertEquals(List.of(List.of(END)), decode(oneBeam, session, 9, "length-penalty", "0"));
        assertEquals(List.of(1, 1), session.batches);
    }

    @Test
    void oneBeamIsItsDescription() {
        Random random = new Random(11);
        int ended = 0;
        int early = 0;
        for (int trial = 0; trial < 400; trial++) {
            int vocabulary = 2 + random.nextInt(5);
            int most = 1 + random.nextInt(12);
            double alpha = trial % 3 == 0 ? 0.6 : 2 * random.nextDouble();
            Script script = drawn(random.nextLong(), vocabulary, 0.5 + 4 * random.nextDouble(), random.nextInt(3) - 1);
            int segments = 1 + random.nextInt(5);
            List<List<Integer>> expected = new ArrayList<>();
            int steps = 0;
            for (int segment = 0; segment < segments; segment++) {
                List<Integer> ids = new NaiveSearch(script, segment, most, alpha, ANY).oneBeam();
                steps = Math.max(steps, ids.remove(ids.size() - 1));
                expected.add(ids);
                ended += ids.get(ids.size() - 1) == END ? 1 : 0;
            }
            ScriptedSession session = new ScriptedSession(segments, script);
            assertEquals(expected, decode(oneBeam, session, most, "length-penalty", Double.toString(alpha)));
            assertEquals(steps, session.batches.size(), "steps of trial " + trial);
            assertEquals(0, session.reorders, "one beam leaves rows where they are");
            early += steps < most ? 1 : 0;

            ScriptedSession again = new ScriptedSession(segments, script);
            assertEquals(
                    expected,
                    decode(beam, again, most, "beam-width", "1", "length-penalty", Double.toString(alpha)),
                    "beam search with one beam");
            assertEquals(session.batches, again.batches);
        }
        assertTrue(ended > 500 && early > 100, "the script is dull: " + ended + " ended, " + early + " early");
    }

    /** Stopping early, and keeping one that has ended instead of many, changes no answer. */
    @Test
    void stopsEarlyWithoutLoss() {
        Random random = new Random(12);
        int early = 0;
        for (int trial = 0; trial < 300; trial++) {
            int vocabulary = 2 + random.nextInt(5);
            int most = 1 + random.nextInt(8);
            int width = 1 + random.nextInt(5);
            double alpha = 2 * random.nextDouble();
            Script script = drawn(random.nextLong(), vocabulary, 0.5 + 3 * random.nextDouble(), random.nextInt(3) - 1);
            int segments = 1 + random.nextInt(4);
            List<List<Integer>> expected = IntStream.range(0, segments)
                    .mapToObj(segment -> new NaiveSearch(script, segment, most, alpha, ANY).beams(width))
                    .toList();
            ScriptedSession session = new ScriptedSession(segments, script);
            assertEquals(
                    expected,
                    decode(
                            beam,
                            session,
                            most,
                            "beam-width",
                            Integer.toString(width),
                            "length-penalty",
                            Double.toString(alpha)),
                    "trial " + trial);
            assertTrue(session.batches.stream().allMatch(rows -> rows <= segments * width));
            early += session.batches.size() < most ? 1 : 0;
        }
        assertTrue(early > 50, "only " + early + " stopped early");
    }

    /** With beams for every beginning there is, the answer is the best of all rows. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.6, 1, 3})
    void wideEnoughItIsExhaustive(double alpha) {
        Random random = new Random(13);
        for (int trial = 0; trial < 40; trial++) {
            int vocabulary = 2 + random.nextInt(3);
            int most = 1 + random.nextInt(4); // 3^4 = 81 beginnings at most
            Script script = drawn(random.nextLong(), vocabulary, 2, random.nextInt(4) - 2);
            List<List<Integer>> expected = IntStream.range(0, 2)
                    .mapToObj(segment -> new NaiveSearch(script, segment, most, alpha, ANY).exhaustive())
                    .toList();
            List<IntList> found = new BeamSearch(new ScriptedSession(2, script), limits(most), 81, alpha)
                    .decode(null, Cancellation.NONE);
            assertEquals(expected, found.stream().map(BeamSearchTest::list).toList(), "trial " + trial);
        }
    }

    @Test
    void keepsToTheGrammar() {
        Random random = new Random(14);
        Table table = new Table(
                Map.of(
                        0, NaiveSearch.set(2, 3),
                        2, NaiveSearch.set(4), // one id
                        3, NaiveSearch.set(3, 4, 5), // never the end
                        4, NaiveSearch.set(END, 2, 3, 9), // 9 is none of the model's
                        5, NaiveSearch.set(END)), // the end alone
                0);
        for (int trial = 0; trial < 200; trial++) {
            Script script = drawn(random.nextLong(), 6, 2, random.nextInt(3) - 1);
            int width = 1 + random.nextInt(4);
            int most = 1 + random.nextInt(8);
            List<List<Integer>> expected = IntStream.range(0, 3)
                    .mapToObj(segment -> new NaiveSearch(script, segment, most, 0.6, table).beams(width))
                    .toList();
            ScriptedSession session = new ScriptedSession(3, script);
            assertEquals(
                    expected,
                    decode(
                            beam,
                            session,
                            most,
                            Map.of("beam-width", Integer.toString(width), "beam-grammar", "true"),
                            table),
                    "trial " + trial);
        }
    }

    /** Done rows leave; the others keep all their beams. */
    @Test
    void raggedRowsLeaveTheBatch() {
        int[] lengths = {3, 1, 6, 3};
        Script script = (segment, ids) -> {
            float[] logits = new float[6];
            Arrays.fill(logits, -30);
            for (int id = 2; id < 6; id++) {
                logits[id] = -id;
            }
            logits[END] = ids.size() + 1 == lengths[segment] ? 20 : -30;
            return logits;
        };
        ScriptedSession one = new ScriptedSession(4, script);
        List<List<Integer>> expected =
                List.of(List.of(2, 2, END), List.of(END), List.of(2, 2, 2, 2, 2, END), List.of(2, 2, END));
        assertEquals(expected, decode(oneBeam, one, 50));
        assertEquals(List.of(4, 3, 3, 1, 1, 1), one.batches);
        ScriptedSession three = new ScriptedSession(4, script);
        assertEquals(expected, decode(beam, three, 50, "beam-width", "3"));
        assertEquals(List.of(4, 9, 9, 3, 3, 3), three.batches);
    }

    @Test
    void logitsThatAreNoNumbersAreTold() {
        for (float wrong : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY}) {
            Script script = (segment, ids) -> {
                float[] logits = new float[5];
                Arrays.fill(logits, ids.size() < 2 ? 0 : wrong);
                logits[END] = ids.size() < 2 ? -9 : wrong;
                return logits;
            };
            LuthierException failure =
                    assertThrows(LuthierException.class, () -> decode(oneBeam, new ScriptedSession(1, script), 9));
            assertTrue(failure.getMessage().contains("after 2 ids"), failure.getMessage());
        }
    }

    @Test
    void noRowsNoSteps() {
        ScriptedSession session = new ScriptedSession(0, said(new double[] {1}));
        assertEquals(List.of(), decode(beam, session, 4));
        assertEquals(List.of(), session.batches);
    }

    @Test
    void isCancelledBetweenSteps() {
        for (Decoder decoder : List.of(beam, oneBeam)) {
            ScriptedSession session = new ScriptedSession(2, said(new double[] {0.1, 0, 0.2, 0.7}));
            AtomicInteger asked = new AtomicInteger();
            assertThrows(
                    CancelledException.class,
                    () -> decoder.decode(
                            session,
                            limits(1000),
                            null,
                            Settings.defaults(decoder),
                            () -> asked.incrementAndGet() > 5));
            assertEquals(5, session.batches.size());
        }
    }

    /** Long rows share what they have in common, and are told in full. */
    @Test
    void longRows() {
        Script script = (segment, ids) -> {
            float[] logits = new float[6];
            logits[2 + ids.size() % 4] = 9;
            logits[END] = ids.size() == 1023 ? 30 : -30;
            return logits;
        };
        List<Integer> ids = decode(beam, new ScriptedSession(1, script), 1024).get(0);
        assertEquals(1024, ids.size());
        assertEquals(List.of(2, 3, 4, 5), ids.subList(1016, 1020));
        assertEquals(END, ids.get(1023));
    }
}
