package org.luthier.decoder.greedy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.model.Decoder;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Vocabulary;

class YourMt3GreedyDecoderTest {
    private static final int PAD = 0;
    private static final int END = 1;
    private static final int IDS = 30;
    private static final Vocabulary VOCABULARY = new Vocabulary("test", IDS, PAD, END, List.of());

    private final Decoder decoder = new YourMt3GreedyDecoder();

    /** Says what a table has for each row, at the step that is counted by the ids that were fed. */
    private static ScriptedSession saying(List<int[]> rows) {
        return new ScriptedSession(rows.size(), (row, ids) -> {
            double[] scores = new double[IDS];
            scores[rows.get(row)[ids.size()]] = 1;
            return scores;
        });
    }

    private List<IntList> decode(ScriptedSession session, int most, String prefix) {
        Map<String, String> settings = prefix == null ? Map.of() : Map.of("task-prefix", prefix);
        return decoder.decode(
                session,
                new Decoder.Limits(VOCABULARY, most),
                () -> {
                    throw new AssertionError("the grammar is not asked for");
                },
                Settings.of(decoder, settings),
                Cancellation.NONE);
    }

    private static List<IntList> rows(int[]... rows) {
        return List.of(rows).stream().<IntList>map(IntLists.immutable::of).toList();
    }

    @Test
    void theFirstIdEndsNothing() {
        ScriptedSession session = saying(
                List.of(new int[] {END, 7, END, 9}, new int[] {5, END, 8, 8}, new int[] {END, END, 3, 3}, new int[] {
                    PAD, 4, 6, END
                }));
        assertEquals(
                rows(new int[] {END, 7, END}, new int[] {5, END}, new int[] {END, END}, new int[] {PAD, 4, 6, END}),
                decode(session, 8, null));
        assertEquals(List.of(4, 4, 2, 1), session.batches, "who has ended leaves the batch");
    }

    @Test
    void stopsAtTheLimit() {
        List<int[]> said = List.of(new int[] {END, 3, 4, 5, 6}, new int[] {7, 3, 4, 5, 6});
        assertEquals(rows(new int[] {END, 3, 4}, new int[] {7, 3, 4}), decode(saying(said), 3, null));
        assertEquals(rows(new int[] {END}, new int[] {7}), decode(saying(said), 1, null));
    }

    @Test
    void noRowsNoSteps() {
        assertEquals(List.of(), decode(saying(List.of()), 4, null));
    }

    /** What is chosen while the prefix is fed does not end a row and is fed only at its end. */
    @Test
    void thePrefixIsFed() {
        ScriptedSession session =
                saying(List.of(new int[] {END, 2, END, 8, END, 5, 5}, new int[] {6, 6, 7, 9, 9, 9, 9}));
        assertEquals(
                rows(new int[] {END, 2, END, 8, END}, new int[] {6, 6, 7, 9, 9, 9}), decode(session, 7, "20, 21,22"));
        assertEquals(
                List.of(
                        Map.of(0, PAD, 1, PAD),
                        Map.of(0, 20, 1, 20),
                        Map.of(0, 21, 1, 21),
                        Map.of(0, END, 1, 7),
                        Map.of(0, 8, 1, 9),
                        Map.of(1, 9)),
                session.fed);
    }

    /** A prefix of one id is not fed at all, but costs a row an id. */
    @Test
    void aPrefixOfOneId() {
        ScriptedSession session = saying(List.of(new int[] {END, 2, 3, 4}));
        assertEquals(rows(new int[] {END, 2, 3}), decode(session, 4, "20"));
        assertEquals(List.of(Map.of(0, PAD), Map.of(0, END), Map.of(0, 2)), session.fed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "5,", "-1", "5;3", "five", "5 3x", "99999999999"})
    void aPrefixThatIsNoListOfIdsIsRefused(String prefix) {
        UsageException refused =
                assertThrows(UsageException.class, () -> Settings.of(decoder, Map.of("task-prefix", prefix)));
        assertTrue(refused.getMessage().startsWith("--task-prefix: expected ids"), refused.getMessage());
        assertTrue(refused.getMessage().endsWith("got '" + prefix + "'"), refused.getMessage());
    }

    @Test
    void aPrefixThatDoesNotFitIsRefused() {
        ScriptedSession session = saying(List.of(new int[] {END}));
        LuthierException beyond = assertThrows(LuthierException.class, () -> decode(session, 9, "3,30"));
        assertTrue(beyond.getMessage().contains("from 0 to 29"), beyond.getMessage());
        LuthierException tooLong = assertThrows(LuthierException.class, () -> decode(session, 3, "3,4,5"));
        assertTrue(tooLong.getMessage().contains("fewer ids than the 3"), tooLong.getMessage());
        assertEquals(List.of(), session.fed);
    }

    /**
     * The loop of the reference with scripted choices: what is returned, without the padding behind the end, and what every row is fed
     * until it has ended.
     */
    @TestFactory
    List<DynamicTest> isTheReferencesLoop() throws IOException {
        Path file = Path.of(System.getProperty("luthier.root"))
                .resolve("../shared/reference/yourmt3/decode_loop_cases.json");
        Assumptions.assumeTrue(Files.isRegularFile(file), "no reference data");
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode test : new ObjectMapper().readTree(file.toFile())) {
            tests.add(DynamicTest.dynamicTest(test.get("name").asText(), () -> isTheReferencesLoop(test)));
        }
        assertEquals(7, tests.size());
        return tests;
    }

    private void isTheReferencesLoop(JsonNode test) {
        JsonNode prefix = test.get("prefix");
        int opening = prefix.isNull() ? 1 : prefix.get(0).size();
        String prefixText = prefix.isNull()
                ? null
                : String.join(
                        ",",
                        StreamSupport.stream(prefix.get(0).spliterator(), false)
                                .map(JsonNode::asText)
                                .toList());
        List<IntList> expected = sequences(test.get("returned")).stream()
                .map(row -> unpadded(row, opening))
                .toList();
        List<Map<Integer, Integer>> fed = new ArrayList<>();
        for (JsonNode step : test.get("fed_ids_per_step")) {
            List<int[]> rows = sequences(step);
            for (int position = 0; position < rows.get(0).length; position++) {
                Map<Integer, Integer> ofStep = new TreeMap<>();
                for (int row = 0; row < rows.size(); row++) {
                    if (fed.size() < expected.get(row).size()) {
                        ofStep.put(row, rows.get(row)[position]);
                    }
                }
                fed.add(ofStep);
            }
        }
        ScriptedSession session = saying(sequences(test.get("raw_argmax")));
        assertEquals(expected, decode(session, test.get("max_length").asInt(), prefixText));
        assertEquals(fed, session.fed);
    }

    /** [segments, channels, ids] or [segments, ids] as rows of ids. */
    private static List<int[]> sequences(JsonNode node) {
        List<int[]> rows = new ArrayList<>();
        if (!node.get(0).isContainerNode()) {
            rows.add(StreamSupport.stream(node.spliterator(), false)
                    .mapToInt(JsonNode::asInt)
                    .toArray());
        } else {
            node.forEach(inner -> rows.addAll(sequences(inner)));
        }
        return rows;
    }

    /** A row up to the end token that ended it; behind it there is nothing but padding. */
    private static IntList unpadded(int[] row, int opening) {
        int length = opening;
        while (length < row.length && row[length] != END) {
            length++;
        }
        for (int i = length + 1; i < row.length; i++) {
            assertEquals(PAD, row[i], "behind the end");
        }
        return IntLists.immutable.of(Arrays.copyOf(row, Math.min(length + 1, row.length)));
    }
}
