package org.luthier.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.shell.internal.Captured;

class CheckpointDoctorTest {
    @TempDir
    Path folder;

    private final Captured captured = new Captured();
    private Studio studio;

    @BeforeEach
    void open() throws Exception {
        studio = new Studio(folder);
    }

    @AfterEach
    void close() {
        studio.close();
    }

    private int doctor(Captured words, String... arguments) {
        return studio.run(new CheckpointDoctor(studio.surroundings, studio.workbench), words, arguments);
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void saysThatAllIsWell() throws Exception {
        Studio.weights(folder.resolve("good.safetensors"), 2);
        studio.audio("loud.wav", "0.5 0.75 0.9 0.2 0.5 0.75 0.9 0.2");
        assertEquals(0, doctor(captured, "good.safetensors", "--audio", "loud.wav"), captured.err());
        assertTrue(
                captured.out().contains("good.safetensors, safetensors with 1 tensor, model basic-pitch\n"),
                captured.out());
        assertTrue(captured.out().endsWith("signal, features, encoder, notes\n"), captured.out());
        Captured json = new Captured();
        assertEquals(0, doctor(json, "good.safetensors", "--json"), json.err());
        assertEquals(
                "{\"healthy\":true,\"findings\":[]}",
                new ObjectMapper().readTree(json.out()).toString());
    }

    @Test
    void findsWhatIsWrong() throws Exception {
        Studio.weights(folder.resolve("bad.safetensors"), Float.NaN);
        assertEquals(3, doctor(captured, "bad.safetensors", "--json"), captured.err());
        JsonNode answer = new ObjectMapper().readTree(captured.out());
        assertEquals(List.of("healthy", "findings"), names(answer));
        assertFalse(answer.get("healthy").asBoolean());
        JsonNode finding = answer.get("findings").get(0);
        assertEquals(List.of("stage", "what", "cause", "evidence", "next"), names(finding));
        assertEquals("statistics", finding.get("stage").asText());
        assertEquals(
                "luthier checkpoint:inspect " + folder.resolve("bad.safetensors") + " --names gain --statistics",
                finding.get("next").asText());
    }

    @Test
    void whatCannotBeOpenedOrIsOfNoFamilyIsTwoThings() throws Exception {
        Files.writeString(folder.resolve("text"), "no checkpoint");
        assertEquals(1, doctor(captured, "text"));
        assertEquals(1, captured.err().lines().count(), captured.err());
        assertEquals("", captured.out());
        try (var out = Files.newOutputStream(folder.resolve("other.safetensors"))) {
            SafetensorsWriter.write(out, Map.of(), List.of(SafetensorsWriter.Tensor.of("other", new float[] {1}, 1)));
        }
        Captured words = new Captured();
        assertEquals(3, doctor(words, "other.safetensors"), words.err());
        assertTrue(words.out().contains("family: it is of no model family that is installed"), words.out());
    }

    @Test
    void nothingToHearIsFoundInTheFeatures() throws Exception {
        Studio.weights(folder.resolve("good.safetensors"), 2);
        studio.audio("quiet.wav", "0 0 0 0");
        assertEquals(3, doctor(captured, "good.safetensors", "--audio", "quiet.wav"), captured.err());
        assertTrue(captured.out().contains("features: frontend.samples is all zero"), captured.out());
        assertTrue(captured.out().contains("first looks wrong at: features"), captured.out());
    }
}
