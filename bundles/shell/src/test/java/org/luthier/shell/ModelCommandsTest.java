package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.shell.internal.Captured;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.workbench.Versions;

/** The commands that tell what there is. */
class ModelCommandsTest {
    private final Captured captured = new Captured();
    private Studio studio;

    @BeforeEach
    void open(@TempDir Path folder) throws Exception {
        studio = new Studio(folder);
    }

    @AfterEach
    void close() {
        studio.close();
    }

    @Test
    void listsModelsWithTheirState() {
        assertEquals(0, studio.run(new ModelList(studio.surroundings, studio.workbench), captured));
        String[] lines = captured.out().split("\n");
        assertEquals(3, lines.length, captured.out());
        assertTrue(lines[0].startsWith("ID "), captured.out());
        assertTrue(lines[1].matches("basic-pitch +toy-family +ready +Apache-2.0 +A toy"), captured.out());
        assertTrue(lines[2].matches("broken +broken .*model.json.*"), captured.out());
    }

    @Test
    void saysWhenWeightsAreMissing() throws Exception {
        Files.delete(studio.folder.resolve("models/basic-pitch/toy.safetensors"));
        studio.run(new ModelList(studio.surroundings, studio.workbench), captured);
        assertTrue(captured.out().contains("no weights"), captured.out());
    }

    @Test
    void tellsAllAboutAModel() {
        ModelInfo info = new ModelInfo(studio.surroundings, studio.workbench);
        assertEquals(0, studio.run(info, captured, "basic-pitch"), captured.err());
        for (String part : new String[] {
            "toy-notes",
            "https://example.org/toy (1,234,567 bytes)",
            "colour = red",
            "--threshold: Least level of a note.",
            "Apache-2.0"
        }) {
            assertTrue(captured.out().contains(part), part + " is missing in\n" + captured.out());
        }
        assertEquals(1, studio.run(info, captured, "basic-pich"));
        assertTrue(captured.err().contains("basic-pitch"), captured.err());
    }

    @Test
    void tellsAllAboutAModelThatWritesTokens() throws Exception {
        Path model = Files.createDirectories(studio.folder.resolve("models/writer"));
        Files.writeString(model.resolve("model.json"), """
                {"id": "writer", "title": "A toy that writes", "family": "toy-family", "tokenizer": "mt3",
                 "decoder": "greedy", "assembler": "toy-notes", "weights": "t5x", "licence": "CC0-1.0",
                 "citation": "A. Toy, 2026",
                 "configuration": {"frames": 4, "vocabulary": {"size": 8, "ranges": [{"type": "special"}]}},
                 "sources": [{"url": "https://example.org/toy/", "bytes": 7, "sha256": "%s"}]}
                """.formatted("1".repeat(64)));
        studio.parts.add(Tokenizer.class, new Mt3Tokenizer(), "1.0.0", 0);
        studio.parts.add(Decoder.class, new ToyDecoder("greedy"), "1.0.0", 0);
        studio.parts.add(Decoder.class, new ToyDecoder("lucky"), "1.0.0", 0);
        ModelInfo info = new ModelInfo(studio.surroundings, studio.workbench);
        assertEquals(0, studio.run(info, captured, "writer"), captured.err());
        for (String line : new String[] {
            "state          no weights",
            "tokenizer      mt3",
            "decoder        greedy (or lucky)",
            "assembler      toy-notes",
            "vocabulary     1391 ids of task mt3, padding 0, end 1, segments of 2.048 s in steps of 1/100 s",
            "               3 to 1003 shift 0 to 1000",
            "               1134 tie 0",
            "to run it      luthier model:install writer, or say with --checkpoint PATH where it is",
            "source         https://example.org/toy/ (7 bytes)",
            "licence        CC0-1.0",
            "cite           A. Toy, 2026",
            "configuration  frames = 4",
            "configuration  vocabulary.size = 8",
            "configuration  vocabulary.ranges = 1 entries"
        }) {
            assertTrue(
                    captured.out().contains(line + "\n") || captured.out().endsWith(line + "\n"),
                    line + " is missing in\n" + captured.out());
        }
        // And what TAB offers.
        Transcribe transcribe = new Transcribe(studio.surroundings, studio.workbench);
        assertEquals(List.of("greedy", "lucky"), transcribe.candidates("DECODER"));
        assertEquals(List.of("mt3"), transcribe.candidates("TOKENIZER"));
        assertEquals(List.of("basic-pitch", "writer"), transcribe.candidates("MODEL"));
        // The parameters of the decoder are options of the model's.
        Captured help = new Captured();
        assertEquals(0, studio.run(transcribe, help, "--help", "--model", "writer", "--decoder", "lucky"));
        assertTrue(help.out().contains("--luck=N"), help.out());
        assertEquals(2, studio.run(transcribe, help, "a.wav", "--model", "writer", "--luck", "3"));
    }

    /** Never runs. */
    private record ToyDecoder(String id) implements Decoder {
        @Override
        public String description() {
            return "A toy.";
        }

        @Override
        public List<Parameter> parameters() {
            return id.equals("lucky") ? List.of(Parameter.integer("luck", 1, 0, 9, "", "How much.")) : List.of();
        }

        @Override
        public List<IntList> decode(
                Session session,
                Limits limits,
                Supplier<Grammar> grammar,
                Settings settings,
                Cancellation cancellation) {
            throw new UnsupportedOperationException("never runs");
        }
    }

    @Test
    void showsTheEnvironmentWithoutTouchingNatives() throws Exception {
        Env env = new Env(studio.surroundings, studio.workbench);
        assertEquals(0, studio.run(env, captured, "--json"), captured.err());
        JsonNode facts = new ObjectMapper().readTree(captured.out());
        assertEquals(Versions.luthier(), facts.get("luthier").asText());
        assertEquals("cpu", facts.get("backend").asText());
        assertEquals(2, facts.get("model folders").size());
        assertTrue(facts.get("models").get(0).asText().startsWith("basic-pitch: ready"), captured.out());
        // The class path of this test has the real jars, under a class path of Maven's making.
        for (String name : new String[] {"processor", "cores", "threads", "variant", "nd4j", "felix", "cache"}) {
            assertNotNull(facts.get(name), name);
        }
    }

    @Test
    void readsVersionsAndVariantFromTheNamesOfJars() {
        Env.ClassPath jars = new Env.ClassPath(String.join(
                java.io.File.pathSeparator,
                "/l/nd4j-native-1.0.0-M2.1.jar",
                "/l/nd4j-native-1.0.0-M2.1-linux-x86_64-onednn-avx512.jar",
                "/l/nd4j-api-1.0.0-M2.1.jar",
                "/l/javacpp-1.5.13-linux-x86_64.jar",
                "/l/javacpp-1.5.13.jar",
                "/l/openblas-0.3.31-1.5.13-linux-x86_64.jar",
                "/l/openblas-0.3.31-1.5.13.jar",
                "/l/org.apache.felix.framework-7.0.5.jar"));
        assertEquals("linux-x86_64-onednn-avx512", jars.variant());
        assertEquals("1.0.0-M2.1", jars.version("nd4j-api"));
        assertEquals("1.5.13", jars.version("javacpp"));
        assertEquals("0.3.31-1.5.13", jars.version("openblas"));
        assertEquals("7.0.5", jars.version("org.apache.felix.framework"));
        assertEquals("unknown", jars.version("ffmpeg"));
    }
}
