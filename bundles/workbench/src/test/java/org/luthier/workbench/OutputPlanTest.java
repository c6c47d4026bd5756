package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;

class OutputPlanTest {
    @TempDir
    Path folder;

    private static OutputPlan.Output midi(Path where) {
        return output("midi", ".mid", where, false);
    }

    private static OutputPlan.Output json(Path where) {
        return output("json", ".json", where, false);
    }

    private static OutputPlan.Output output(String writer, String suffix, Path where, boolean folder) {
        OutputPlan.Place place = where == null ? null : new OutputPlan.Place(where, folder);
        return new OutputPlan.Output(writer, suffix, place, Map.of());
    }

    private static List<Path> paths(OutputPlan plan) {
        return plan.entries().stream()
                .flatMap(entry -> entry.targets().stream().map(OutputPlan.Target::path))
                .toList();
    }

    private static String refused(List<Path> audio, OutputPlan.Output... outputs) {
        return assertThrows(LuthierException.class, () -> OutputPlan.of(audio, List.of(outputs), true))
                .getMessage();
    }

    @Test
    void theDefaultIsBesideTheAudioFile() {
        OutputPlan plan = OutputPlan.of(
                List.of(folder.resolve("a b;c$.x.wav"), folder.resolve("noname")), List.of(midi(null)), false);
        assertEquals(List.of(folder.resolve("a b;c$.x.mid"), folder.resolve("noname.mid")), paths(plan));
    }

    @Test
    void oneFileGoesToAFileOrIntoAFolder() throws IOException {
        Path into = Files.createDirectory(folder.resolve("out"));
        OutputPlan plan =
                OutputPlan.of(List.of(Path.of("a.wav")), List.of(midi(into), json(folder.resolve("notes.txt"))), false);
        assertEquals(List.of(into.resolve("a.mid"), folder.resolve("notes.txt")), paths(plan));
    }

    @Test
    void severalFilesGoIntoAFolder() throws IOException {
        List<Path> audio = List.of(folder.resolve("a.wav"), folder.resolve("b.mp3"));
        Path into = Files.createDirectory(folder.resolve("out"));
        assertEquals(
                List.of(
                        into.resolve("a.mid"),
                        folder.resolve("a.json"),
                        into.resolve("b.mid"),
                        folder.resolve("b.json")),
                paths(OutputPlan.of(audio, List.of(midi(into), json(folder)), false)));
        assertTrue(refused(audio, midi(folder.resolve("o.mid")))
                .endsWith("expected a folder for the midi files, got a file"));
        Path file = Files.createFile(folder.resolve("file"));
        assertTrue(refused(audio, midi(file)).endsWith("expected a folder for the midi files, got a file"));
    }

    @Test
    void aFolderThatDoesNotExistIsPlanned() {
        List<Path> audio = List.of(folder.resolve("a.wav"), folder.resolve("b.wav"));
        Path into = folder.resolve("new");
        OutputPlan plan = OutputPlan.of(audio, List.of(midi(into), json(null)), false);
        assertEquals(Set.of(into), plan.folders());
        assertTrue(paths(plan).contains(into.resolve("b.mid")));
        plan = OutputPlan.of(audio.subList(0, 1), List.of(output("midi", ".mid", into, true)), false);
        assertEquals(Set.of(into), plan.folders());
        assertEquals(List.of(into.resolve("a.mid")), paths(plan));
        assertTrue(refused(audio, midi(into.resolve("deep"))).endsWith("the folder " + into + " does not exist"));
        assertTrue(refused(audio, output("midi", ".x", into, true), output("json", ".x", folder.resolve("./new"), true))
                .contains("would both be"));
        assertFalse(Files.exists(into));
    }

    @Test
    void twoFilesThatWouldBeOneAreRefused() throws IOException {
        Path a = folder.resolve("a.wav");
        assertTrue(refused(List.of(a, folder.resolve("a.mp3")), midi(null)).contains("would both become"));
        assertTrue(refused(List.of(a), midi(folder.resolve("x")), json(folder.resolve("./x")))
                .contains("would both be"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Files.createDirectory(folder.resolve("real")));
        assertTrue(refused(List.of(a), midi(link.resolve("x")), json(folder.resolve("real/x")))
                .contains("would both be"));
    }

    @Test
    void anAudioFileIsNeverAnOutput() throws IOException {
        Path a = Files.createFile(folder.resolve("a.mid"));
        assertTrue(refused(List.of(a), midi(null)).contains("is an audio file of this command"));
        assertTrue(refused(List.of(folder.resolve("b.wav"), a), midi(folder))
                .contains("is an audio file of this command"));
    }
}
