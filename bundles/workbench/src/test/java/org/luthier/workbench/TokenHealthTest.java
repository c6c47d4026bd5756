package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.notes.TokenNoteAssembler.Assembly;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/** What broken models say is noticed, and what healthy ones say is not. */
class TokenHealthTest {
    private static final Path CORPUS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/mt3/corpus");
    private static final Tokenizer MT3 = new Mt3Tokenizer();

    private static List<String> warnings(Tokenizer tokenizer, AudioFacts audio, List<IntList> rows) {
        Mt3ReferenceAssembler assembler = new Mt3ReferenceAssembler();
        Assembly assembly = assembler.begin(tokenizer, Settings.defaults(assembler));
        List<SegmentTokens> segments = new ArrayList<>();
        for (IntList row : rows) {
            double start = segments.size() * 2.04;
            segments.add(new SegmentTokens(start, List.of(row)));
            assembly.accept(new SegmentEvents(start, List.of(tokenizer.events(row))));
        }
        return TokenHealth.warnings(tokenizer, segments, assembly.finish(), audio);
    }

    private static List<String> warnings(List<IntList> rows) {
        return warnings(MT3, audio(0.5, 2 * rows.size()), rows);
    }

    private static AudioFacts audio(double peak, int seconds) {
        return new AudioFacts("a.wav", "wav", 16000, 1, 16000L * seconds, peak, 0, 0, peak == 0, List.of());
    }

    private static List<IntList> rows(JsonNode json) {
        List<IntList> rows = new ArrayList<>();
        for (JsonNode row : json) {
            MutableIntList ids = IntLists.mutable.empty();
            (row.isArray() ? row : row.get("tokens")).forEach(id -> ids.add(id.intValue()));
            rows.add(ids);
        }
        return rows;
    }

    private static List<IntList> fault(String name) {
        try (InputStream json = TokenHealthTest.class.getResourceAsStream("faults.json")) {
            return rows(new ObjectMapper().readTree(json).get(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The experiment's faults that leave a mark. Those that leave varied tokens with ends and ties look healthy. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            self attention sees only the newest token, right positions   | in 4 of 4 segments the tokens repeat each other | self attention sees the newest token only
            self attention sees only the newest token, position always 0 | in 4 of 4 segments the tokens repeat each other | self attention sees the newest token only
            the previous token is not fed                                | in 4 of 4 segments the tokens repeat each other | is not fed back
            the output matrix is the embedding matrix                    | in 4 of 4 segments the tokens repeat each other | the output matrix is the embedding matrix
            random kernels                                               | in 2 of 4 segments the tokens repeat each other | never read
            kernels reshaped in place of transposed                      | in 3 of 4 segments the tokens repeat each other | kernels were reshaped
            extra 1/sqrt(64) in attention                                | in 4 of 4 segments there is no end token (1)    | attention is scaled
            norm scales left at 1                                        | in 2 of 4 segments there is no tie token (1134) | wrong from the beginning
            decoder position stuck at 0                                  | in 1 of 4 segments there is no end token (1)    | positions
            features all zero                                            | all 4 segments have the same 5 tokens           | the features are all zero
            no cross attention                                           | all 4 segments have the same 160 tokens         | cross attention does not see
            random encoder output                                        | in 4 of 4 segments there is no end token (1)    | does not see the encoder's output
            input projection not transposed                              | in 3 of 4 segments there is no end token (1)    | features
            """)
    void aFaultIsNoticedWithItsCause(String fault, String seen, String cause) {
        List<String> warnings = warnings(fault(fault));
        assertTrue(
                warnings.stream().anyMatch(line -> line.contains(seen) && line.contains(cause)),
                () -> fault + ":\n" + String.join("\n", warnings));
        assertTrue(warnings.get(0).contains("; next: ") && warnings.get(0).contains("layer:diff TRACE REFERENCE"));
        assertTrue(warnings.stream().allMatch(line -> line.lines().count() == 1));
    }

    @Test
    void whatIsSaidIsNamed() {
        String warning = warnings(fault("self attention sees only the newest token, right positions"))
                .get(0);
        assertTrue(
                warning.startsWith(
                        "in 4 of 4 segments the tokens repeat each other to the end: 1057 (pitch 53) in 1, 1059"
                                + " (pitch 55) in 1, 1073 (pitch 69) in 1, ...; first in segment 0 (0.00 s) from position "),
                warning);
        warning = warnings(stuckAt(TokenFakes.ON, 11)).get(0);
        assertTrue(
                warning.startsWith(
                        "in 11 of 11 segments the tokens repeat each other to the end: 1133 (velocity 1, note on) in"
                                + " 11; first in segment 0 (0.00 s) from position 3 on; likely causes: "),
                warning);
    }

    /** A right start, then one id to the end of the model's patience. */
    private static List<IntList> stuckAt(int id, int segments) {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < segments; segment++) {
            MutableIntList row = IntLists.mutable.of(TokenFakes.TIE, TokenFakes.SHIFT + segment, 1135);
            while (row.size() < 1024) {
                row.add(id);
            }
            rows.add(row);
        }
        return rows;
    }

    /** An output matrix of zeros says the first id for ever, whatever is heard. */
    @Test
    void oneIdFromTheBeginningInEverySegmentIsAFaultOfTheWeights() {
        List<String> warnings = warnings(Collections.nCopies(8, IntLists.mutable.of(new int[1024])));
        assertTrue(warnings.get(0).contains("never read"), () -> String.join("\n", warnings));
        assertTrue(
                warnings.stream().noneMatch(line -> line.contains("cross attention")),
                () -> String.join("\n", warnings));
    }

    @Test
    void ofFewSegmentsTheModelIsNotBlamed() {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < 20; segment++) {
            rows.add(TokenFakes.said(segment, 0));
        }
        rows.set(7, stuckAt(1100, 1).get(0));
        List<String> warnings = warnings(rows);
        assertEquals(
                "in 1 of 20 segments the tokens repeat each other to the end: 1100 (pitch 96) in 1; first in segment 7"
                        + " (14.28 s) from position 3 on; what was heard there is not to be trusted",
                warnings.get(0));
    }

    @Test
    void oneIdThatIsMostOfAllIsNoticed() {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < 3; segment++) {
            MutableIntList row = IntLists.mutable.of(TokenFakes.TIE);
            for (int i = 0; i < 40; i++) {
                row.add(i % 4 == segment ? TokenFakes.SHIFT + i : TokenFakes.OFF);
            }
            row.add(TokenFakes.END);
            rows.add(row);
        }
        List<String> warnings = warnings(rows);
        assertTrue(
                warnings.get(0).startsWith("73 % of all tokens are 1132 (velocity 0, note off); likely causes: ")
                        && warnings.get(0).contains("scales of the norms"),
                warnings.toString());
    }

    @Test
    void segmentsWithoutTieAreNoticedWhereTheVocabularyHasOne() {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < 4; segment++) {
            rows.add(TokenFakes.said(segment, 0).select(id -> id != TokenFakes.TIE));
        }
        assertTrue(
                warnings(rows)
                        .get(0)
                        .startsWith(
                                "in 4 of 4 segments there is no tie token (1134), without which no note starts; first in segment 0"),
                warnings(rows).toString());
        List<IntList> piano = List.of(IntLists.immutable.of(5, 1260 - 40, 1060, 60, 1132, 1060, 1));
        assertEquals(List.of(), warnings(new Mt3PianoTokenizer(), audio(0.5, 4), piano));
    }

    @Test
    void noNotesOfASoundAreNoticed() {
        List<IntList> nothing = List.of(
                IntLists.immutable.of(TokenFakes.TIE, TokenFakes.END),
                IntLists.immutable.of(TokenFakes.TIE, TokenFakes.END));
        List<String> warnings = warnings(MT3, audio(0.5, 4), nothing);
        assertEquals(1, warnings.size());
        assertTrue(
                warnings.get(0)
                        .startsWith(
                                "no notes, though the recording is not silent (its largest sample is 0.500) and has 2 tokens; likely"
                                        + " causes: there is nothing in it that the model knows"),
                warnings.toString());
        List<IntList> claims = List.of(
                IntLists.immutable.of(1135, 1060, 1064, 1067, TokenFakes.TIE, TokenFakes.END),
                IntLists.immutable.of(1135, 1061, 1064, 1067, TokenFakes.TIE, TokenFakes.END));
        assertTrue(
                warnings(MT3, audio(0.5, 4), claims).get(0).contains("another --assembler"),
                warnings(MT3, audio(0.5, 4), claims).toString());
    }

    @ParameterizedTest
    @CsvSource({"0, 600", "0.0005, 600", "0.5, 1"})
    void noNotesOfSilenceOrOfAnInstantAreNothing(double peak, int seconds) {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment <= seconds / 2; segment++) {
            rows.add(IntLists.immutable.of(TokenFakes.TIE, TokenFakes.END));
        }
        assertEquals(List.of(), warnings(MT3, audio(peak, seconds), rows));
    }

    @Test
    void healthyTokensGiveNoAlarm() {
        assertEquals(List.of(), warnings(fault("no fault")));
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < 500; segment++) {
            rows.add(TokenFakes.said(segment, 0));
            assertEquals(List.of(), warnings(rows.subList(segment, segment + 1)), "alone");
        }
        assertEquals(List.of(), warnings(rows));
    }

    /** A clock: one drum, four times in a second, is nearly half of what is said. */
    @Test
    void aDrumAloneGivesNoAlarm() {
        List<IntList> rows = new ArrayList<>();
        for (int segment = 0; segment < 10; segment++) {
            MutableIntList row =
                    IntLists.mutable.of(TokenFakes.TIE, TokenFakes.SHIFT + segment % 3, TokenFakes.ON, 1300);
            for (int hit = 1; hit < 80; hit++) {
                row.add(TokenFakes.SHIFT + segment % 3 + 2 * hit);
                row.add(1300);
            }
            row.add(TokenFakes.END);
            rows.add(row);
        }
        assertEquals(List.of(), warnings(rows));
    }

    static Stream<Path> corpus() throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(CORPUS), "the corpus is not here: " + CORPUS);
        try (Stream<Path> files = Files.list(CORPUS)) {
            return files.filter(file -> file.toString().endsWith(".json")).toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void theCorpusGivesNoAlarm(Path file) throws IOException {
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        List<IntList> rows = rows(json.get("segments"));
        assertEquals(List.of(), warnings(rows));
        for (Iterator<IntList> each = rows.iterator(); each.hasNext(); ) {
            IntList row = each.next();
            // The last segment is the end of the last sound, and heard alone a file of its own.
            List<String> alone = warnings(List.of(row));
            assertTrue(
                    alone.isEmpty() || alone.stream().allMatch(line -> line.startsWith("no notes")), alone::toString);
        }
    }
}
