package org.luthier.decoder.greedy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.decoder.greedy.ScriptedSession.Script;

class GreedySearchTest {
    private static final int END = 1;
    private static final Vocabulary VOCABULARY = new Vocabulary("test", 6, 0, END, List.of());

    private final Decoder greedy = new GreedyDecoder();
    private final Decoder grammar = new GrammarDecoder();

    private static List<IntList> decode(Decoder decoder, ScriptedSession session, int most, Supplier<Grammar> cursors) {
        return decoder.decode(
                session, new Decoder.Limits(VOCABULARY, most), cursors, Settings.defaults(decoder), Cancellation.NONE);
    }

    private static double[] only(int id) {
        double[] scores = new double[8]; // two rows more than the vocabulary has ids
        scores[id] = 1;
        return scores;
    }

    /** Says 2, 3, 4, 5, 2, 3, ... and ends after the given number of ids. */
    private static Script counting(int... lengths) {
        return (segment, ids) -> only(ids.size() == lengths[segment] - 1 ? END : 2 + ids.size() % 4);
    }

    private static Supplier<Grammar> none() {
        return () -> {
            throw new AssertionError("the grammar is not asked for");
        };
    }

    /** Allows what a table says after an id, the start token 0 included. */
    private record Table(List<BitSet> after, int[] at) implements Grammar {
        @Override
        public BitSet allowed() {
            return after.get(at[0]);
        }

        @Override
        public void advance(int id) {
            at[0] = id;
        }

        @Override
        public Grammar copy() {
            throw new AssertionError("greedy search has one cursor a row");
        }
    }

    private static Supplier<Grammar> table(int[]... after) {
        List<BitSet> sets = new ArrayList<>();
        for (int[] ids : after) {
            BitSet set = new BitSet();
            for (int id : ids) {
                set.set(id);
            }
            sets.add(set);
        }
        return () -> new Table(sets, new int[1]);
    }

    @Test
    void raggedRowsLeaveTheBatch() {
        ScriptedSession session = new ScriptedSession(4, counting(3, 1, 5, 3));
        List<IntList> ids = decode(greedy, session, 10, none());
        assertEquals(
                List.of(
                        IntLists.immutable.of(2, 3, END),
                        IntLists.immutable.of(END),
                        IntLists.immutable.of(2, 3, 4, 5, END),
                        IntLists.immutable.of(2, 3, END)),
                ids);
        assertEquals(List.of(4, 3, 3, 1, 1), session.batches);
    }

    @Test
    void stopsAtTheLimit() {
        ScriptedSession session = new ScriptedSession(3, counting(100, 4, 5));
        List<IntList> ids = decode(greedy, session, 4, none());
        assertEquals(IntLists.immutable.of(2, 3, 4, 5), ids.get(0), "no end token is made up");
        assertEquals(IntLists.immutable.of(2, 3, 4, END), ids.get(1), "the end token may be the last one allowed");
        assertEquals(IntLists.immutable.of(2, 3, 4, 5), ids.get(2));
        assertEquals(4, session.batches.size());
    }

    @Test
    void noRowsNoSteps() {
        ScriptedSession session = new ScriptedSession(0, counting());
        assertEquals(List.of(), decode(greedy, session, 4, none()));
        assertEquals(List.of(), session.batches);
    }

    /** The pad id and ids beyond the vocabulary are ids like others: what the model says is told as it is. */
    @Test
    void keepsWhatTheModelSays() {
        List<Integer> said = List.of(0, 7, 6, 0, END);
        ScriptedSession session = new ScriptedSession(1, (segment, ids) -> only(said.get(ids.size())));
        assertEquals(List.of(IntLists.immutable.of(0, 7, 6, 0, END)), decode(greedy, session, 10, none()));
    }

    @Test
    void keepsToTheGrammar() {
        // 2 or 3 first; after 2 only 4, after 3 only 5; after these 2, 3 or the end; the model always wants 5 most,
        // then 2, then the end.
        Supplier<Grammar> cursors = table(
                new int[] {2, 3}, new int[] {END}, new int[] {4}, new int[] {5}, new int[] {2, 3, END}, new int[] {END
                });
        ScriptedSession session = new ScriptedSession(2, (segment, ids) ->
                new double[] {0, ids.size() == 4 ? 8 : 2, segment == 0 ? 3 : 1, 2, 0, 9, 9, 9});
        assertEquals(
                List.of(IntLists.immutable.of(2, 4, 2, 4, END), IntLists.immutable.of(3, 5, END)),
                decode(grammar, session, 10, cursors));
        assertEquals(List.of(2, 2, 2, 1, 1), session.batches);
    }

    @Test
    void oneIdAllowedIsTaken() {
        Supplier<Grammar> cursors = table(new int[] {3}, new int[] {END}, new int[0], new int[] {4}, new int[] {END});
        ScriptedSession session = new ScriptedSession(1, (segment, ids) -> only(7));
        assertEquals(List.of(IntLists.immutable.of(3, 4, END)), decode(grammar, session, 10, cursors));
    }

    @Test
    void aGrammarThatAllowsNothingIsTold() {
        Supplier<Grammar> cursors = table(new int[] {3}, new int[0], new int[0], new int[0]);
        ScriptedSession session = new ScriptedSession(1, (segment, ids) -> only(3));
        LuthierException failure = assertThrows(LuthierException.class, () -> decode(grammar, session, 10, cursors));
        assertTrue(failure.getMessage().contains("after the 1 ids"), failure.getMessage());
    }

    /** Any models, with and without a grammar, against a loop over one row at a time. */
    @Test
    void isOneRowAtATime() {
        Random random = new Random(7);
        for (int trial = 0; trial < 200; trial++) {
            long seed = random.nextLong();
            Script script = (segment, ids) -> {
                Random scores = new Random(seed + 31L * segment + 1009L * ids.hashCode());
                scores.nextInt();
                return scores.ints(6, 0, 4).asDoubleStream().toArray(); // many ties: the first of the largest
            };
            int segments = random.nextInt(7);
            int most = 1 + random.nextInt(8);
            Supplier<Grammar> cursors = table(
                    new int[] {2, 3, 4, END},
                    new int[] {END},
                    new int[] {3, 4, END},
                    new int[] {2, 4, 5},
                    new int[] {0, END},
                    new int[] {5, END});
            for (Decoder decoder : List.of(greedy, grammar)) {
                List<IntList> expected = new ArrayList<>();
                for (int segment = 0; segment < segments; segment++) {
                    Grammar cursor = cursors.get();
                    List<Integer> ids = new ArrayList<>();
                    while (ids.size() < most && (ids.isEmpty() || ids.get(ids.size() - 1) != END)) {
                        double[] scores = script.scores(segment, ids);
                        int best = -1;
                        for (int id = 0; id < scores.length; id++) {
                            boolean allowed =
                                    decoder == greedy || cursor.allowed().get(id);
                            best = allowed && (best < 0 || scores[id] > scores[best]) ? id : best;
                        }
                        ids.add(best);
                        cursor.advance(best);
                    }
                    expected.add(IntLists.immutable.ofAll(ids.stream().mapToInt(Integer::intValue)));
                }
                ScriptedSession session = new ScriptedSession(segments, script);
                assertEquals(expected, decode(decoder, session, most, cursors));
                assertEquals(
                        expected.stream().mapToInt(IntList::size).max().orElse(0),
                        session.batches.size(),
                        "no step more than the longest row has ids");
            }
        }
    }

    @Test
    void isCancelledBetweenSteps() {
        for (Decoder decoder : List.of(greedy, grammar)) {
            ScriptedSession session = new ScriptedSession(2, (segment, ids) -> only(2));
            AtomicInteger asked = new AtomicInteger();
            assertThrows(
                    CancelledException.class,
                    () -> decoder.decode(
                            session,
                            new Decoder.Limits(VOCABULARY, 1000),
                            table(new int[] {2}, new int[0], new int[] {2}),
                            Settings.defaults(decoder),
                            () -> asked.incrementAndGet() > 5));
            assertEquals(5, session.batches.size());
        }
    }
}
