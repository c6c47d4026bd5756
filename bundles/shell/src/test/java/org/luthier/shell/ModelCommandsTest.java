package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.shell.internal.Captured;
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
