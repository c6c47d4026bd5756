package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** MT3 by command: the reference's tokens and notes of whole recordings, and what is said when parts do not fit. */
@Timeout(600)
class Mt3CommandTest {
    private static final Path SHARED =
            Path.of(System.getProperty("luthier.root")).resolve("../shared").normalize();
    private static final Path CHECKPOINT = SHARED.resolve("checkpoints/mt3");
    private static final Path CORPUS = SHARED.resolve("reference/mt3/corpus");

    @TempDir
    static Path home;

    private static Luthier luthier;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws Exception {
        TinyMt3.write(home.resolve("home/models"));
        luthier = Luthier.start(home);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    /** Runs the command that the corpus is compared by. */
    private JsonObject transcribe(String file, String kernels, Object... more) throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(CHECKPOINT), "the checkpoint of MT3 is not here: " + CHECKPOINT);
        Path midi = folder.resolve("out.mid");
        Path notes = folder.resolve("out.json");
        List<Object> words = new ArrayList<>(List.of("transcribe", CORPUS.resolve(file), "--model", "mt3"));
        words.addAll(List.of("--checkpoint", CHECKPOINT, "--assembler", "mt3-reference", "--kernels", kernels));
        words.addAll(List.of("-o", midi, "--notes", notes, "--force", "--quiet"));
        words.addAll(List.of(more));
        Words said = Words.of(luthier, words.toArray());
        assertEquals(0, said.code(), said.toString());
        assertEquals(List.of(), said.complaints(), "no false alarm");
        assertTrue(Files.size(midi) > 500);
        return Luthier.json(notes);
    }

    private void assertIsTheReferences(String name, String kernels, Object... more) throws Exception {
        JsonObject actual = transcribe(name + ".wav", kernels, more);
        JsonObject expected = Luthier.json(CORPUS.resolve(name + ".json"));
        JsonArray segments = actual.getJsonArray("segments");
        assertEquals(expected.getJsonArray("segments").size(), segments.size());
        for (int i = 0; i < segments.size(); i++) {
            JsonObject wanted = expected.getJsonArray("segments").getJsonObject(i);
            assertEquals(wanted.get("tokens"), segments.getJsonObject(i).get("tokens"), name + ", segment " + i);
            assertEquals(
                    wanted.getJsonNumber("start").doubleValue(),
                    segments.getJsonObject(i).getJsonNumber("start").doubleValue());
        }
        assertEquals(expected.get("invalid"), actual.get("invalid"));
        assertEquals(expected.get("dropped"), actual.get("dropped"));
        JsonArray wanted = expected.getJsonArray("notes");
        assertEquals(wanted.size(), actual.getJsonArray("notes").size());
        for (int i = 0; i < wanted.size(); i++) {
            JsonArray note = wanted.getJsonArray(i);
            JsonObject found = actual.getJsonArray("notes").getJsonObject(i);
            // Written with all digits on either side, and computed in double: what may differ is the last of them.
            assertEquals(
                    note.getJsonNumber(0).doubleValue(),
                    found.getJsonNumber("start").doubleValue(),
                    1e-9);
            assertEquals(
                    note.getJsonNumber(1).doubleValue(),
                    found.getJsonNumber("end").doubleValue(),
                    1e-9);
            assertEquals(note.getInt(2), found.getInt("pitch"));
            assertEquals(note.getInt(3), found.getInt("velocity"));
            assertEquals(note.getInt(4), found.getInt("program"));
            assertEquals(note.getInt(5) != 0, found.getBoolean("drum"));
        }
        JsonObject provenance = actual.getJsonObject("provenance");
        assertEquals("mt3", provenance.getJsonObject("tokenizer").getString("id"));
        assertEquals("greedy", provenance.getJsonObject("decoder").getString("id"));
        assertEquals("mt3-reference", provenance.getJsonObject("assembler").getString("id"));
        assertEquals(kernels, provenance.getString("kernels"));
        String remarks = provenance.getJsonArray("remarks").toString();
        assertTrue(remarks.contains("1536 rows and tokenizer mt3 1391 ids"), remarks);
    }

    @ParameterizedTest
    @CsvSource({"03_maple_leaf_piano", "05_winds", "08_ragtime_band"})
    void tokensAndNotesAreTheReferences(String name) throws Exception {
        assertIsTheReferences(name, "cpu");
    }

    /**
     * The reference's tokens of the MP3 are those of soxr's resampling, which from 44100 to 16000 Hz takes 0.01 dB from what is near 7 kHz;
     * ours takes nothing. Fed the reference's samples or ours, the reference's model says what ours does; it is the samples that differ.
     * That decides where two tokens are nearly as likely: one segment, in which the logits are once as near as 0.0016.
     */
    @Test
    void tokensOfCompressedSoundAreTheReferencesWhereTheyAreClear() throws Exception {
        JsonArray actual = transcribe("08_ragtime_band.mp3", "cpu").getJsonArray("segments");
        JsonArray expected =
                Luthier.json(CORPUS.resolve("08_ragtime_band_mp3.json")).getJsonArray("segments");
        assertEquals(expected.size(), actual.size());
        int clear = 0;
        for (int i = 0; i < expected.size(); i++) {
            JsonObject wanted = expected.getJsonObject(i);
            if (wanted.getJsonNumber("min_margin").doubleValue() > 0.005) {
                assertEquals(wanted.get("tokens"), actual.getJsonObject(i).get("tokens"), "segment " + i);
                clear++;
            }
        }
        assertEquals(10, clear);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 2", "3, 2", "4, 3", "1000, 2"})
    void theyAreSoWhateverTheBatchAndTheThreads(int batch, int threads) throws Exception {
        assertIsTheReferences("08_ragtime_band", "cpu", "--batch", batch, "--threads", threads);
    }

    @Test
    void theyAreSoOnOtherKernels() throws Exception {
        assertIsTheReferences("08_ragtime_band", "nd4j");
    }

    @Tag("full")
    @ParameterizedTest
    @CsvSource({
        "03_maple_leaf_piano, 1, 1",
        "03_maple_leaf_piano, 4, 2",
        "05_winds, 1, 2",
        "05_winds, 1000, 2",
        "08_ragtime_band, 3, 2"
    })
    void theyAreSoOnOtherKernelsToo(String name, int batch, int threads) throws Exception {
        assertIsTheReferences(name, "nd4j", "--batch", batch, "--threads", threads);
    }

    @Test
    void everyPartIsListed() {
        List<String> lines =
                Stream.of(luthier.output("plugin:list").split("\n")).toList();
        for (String bundle : List.of(
                "ModelFamily mt3 org.luthier.model-mt3",
                "Tokenizer mt3 org.luthier.tokenizer-mt3",
                "Tokenizer mt3-piano org.luthier.tokenizer-mt3",
                "Decoder greedy org.luthier.decoder-greedy",
                "Decoder grammar org.luthier.decoder-greedy",
                "Decoder yourmt3-greedy org.luthier.decoder-greedy",
                "Decoder beam org.luthier.decoder-beam",
                "Decoder t5x-beam1 org.luthier.decoder-beam",
                "NoteAssembler mt3-reference org.luthier.assembler-mt3")) {
            String[] words = bundle.split(" ");
            assertTrue(
                    lines.stream()
                            .anyMatch(
                                    line -> List.of(line.strip().split("\\s+")).containsAll(List.of(words))),
                    () -> bundle + " in\n" + String.join("\n", lines));
        }
        String models = luthier.output("model:list");
        assertTrue(models.contains("mt3-piano") && models.contains(TinyMt3.ID), models);
    }

    private String tokens(String name, Object... more) throws Exception {
        Path audio = Sounds.arpeggio(7, folder.resolve("short.wav"));
        Path notes = folder.resolve(name + ".json");
        List<Object> words = new ArrayList<>(List.of("transcribe", audio, "-o", folder.resolve(name + ".mid")));
        words.addAll(List.of("--notes", notes, "--force", "--quiet", "--model", TinyMt3.ID));
        words.addAll(List.of(more));
        assertEquals(0, Words.of(luthier, words.toArray()).code());
        return Luthier.json(notes).getJsonArray("segments").toString();
    }

    @Test
    void aModelOfChanceSaysTheSameWhateverTheBatchAndTheThreads() throws Exception {
        String first = tokens("first");
        assertTrue(first.length() > 1000, first);
        for (int batch = 1; batch <= 4; batch++) {
            for (int threads = 1; threads <= 3; threads++) {
                assertEquals(first, tokens("again", "--batch", batch, "--threads", threads));
            }
        }
        assertNotEquals(first, tokens("grammar", "--decoder", "grammar"));
    }

    /** The old failure, no notes and no word, cannot happen. */
    @Test
    void aModelOfChanceIsWarnedOf() throws Exception {
        Path audio = Sounds.arpeggio(7, folder.resolve("short.wav"));
        Path notes = folder.resolve("notes.json");
        Words words = Words.of(
                luthier, "transcribe", audio, "--quiet", "--model", TinyMt3.ID, "--notes", notes, "--threads", 1);
        assertEquals(0, words.code(), words.toString());
        List<String> warnings = Luthier.json(notes).getJsonObject("provenance").getJsonArray("warnings").stream()
                .map(value -> ((JsonString) value).getString())
                .toList();
        assertFalse(warnings.isEmpty());
        assertTrue(
                warnings.get(0).contains("likely causes: ") && warnings.get(0).contains("; next: "), warnings.get(0));
        String told = String.join("\n", words.err());
        warnings.forEach(warning -> assertTrue(told.contains(warning), told));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --tokenizer mt3-piano         | tokenizer mt3-piano does not fit model tiny-mt3: task: expected mt3, got mt3-piano; ids from 1134 on
            --tokenizer nothing           | no tokenizer 'nothing'; there are: gm_ext_plus, mc13, mc13_256, mc13_full_plus, mc13_full_plus_256, mt3, mt3-piano, mt3_full, mt3_full_plus
            --decoder nothing             | no decoder 'nothing'; there are: beam, grammar, greedy, t5x-beam1, yourmt3-greedy
            --assembler basic-pitch-notes | note assembler basic-pitch-notes reads frames, but model tiny-mt3 writes tokens; use --assembler mt3-reference
            """)
    void partsThatDoNotFitAreRefusedInOneLine(String option, String message) throws Exception {
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        Words words = Words.of(
                luthier,
                "transcribe",
                audio,
                "--quiet",
                "--model",
                TinyMt3.ID,
                option.split(" ")[0],
                option.split(" ")[1]);
        assertEquals(1, words.code(), words.toString());
        assertEquals(1, words.err().size(), words.toString());
        assertTrue(words.err().get(0).contains(message), words.toString());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    List.of("short.wav"),
                    files.map(file -> file.getFileName().toString()).collect(Collectors.toList()));
        }
    }

    @Test
    void withoutWeightsOneLineSaysWhatToDo() throws Exception {
        Path audio = Sounds.arpeggio(3, folder.resolve("short.wav"));
        Words words = Words.of(luthier, "transcribe", audio, "--quiet", "--model", "mt3");
        assertEquals(1, words.code(), words.toString());
        assertEquals(1, words.err().size(), words.toString());
        String line = words.err().get(0);
        assertTrue(line.contains("model mt3 has no weights at " + home.resolve("home/models/mt3")), line);
        assertTrue(line.contains("--checkpoint"), line);
        assertTrue(line.contains("https://storage.googleapis.com/mt3/checkpoints/mt3/"), line);
    }
}
