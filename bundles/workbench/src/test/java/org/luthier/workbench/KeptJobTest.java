package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.LuthierException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class KeptJobTest {
    private static final int SEGMENTS = 7;
    private static final TokenLayout LAYOUT = new TokenLayout(
            new Vocabulary("toy", 9, 0, 1, List.of(new Range("special", 0, 2, 0), new Range("pitch", 2, 7, 60))),
            16,
            2,
            12,
            0.5);

    @TempDir
    Path folder;

    private static Transcription transcription() {
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("width", 4);
        parameters.put("penalty", 0.6);
        parameters.put("loud", true);
        parameters.put("limit", null);
        Provenance provenance = new Provenance(
                "1.2.3",
                new PartVersion("toy-model", "2.0.0"),
                "ab".repeat(32),
                new PartVersion("toy-ids", "1.0.0"),
                new PartVersion("greedy", "1.0.1"),
                new PartVersion("toy-notes", "1.0.2"),
                "cpu",
                "plain",
                parameters,
                new AudioFacts("séance.wav", "wav/pcm_s16le", 44100, 2, 123456, 0.75, 3, 0, false, List.of("odd")),
                List.of("a remark"),
                List.of("a warning, \"quoted\""));
        List<SegmentTokens> segments = IntStream.range(0, SEGMENTS)
                .mapToObj(segment -> new SegmentTokens(
                        segment * 0.49,
                        List.<IntList>of(
                                IntLists.immutable.of(
                                        IntStream.range(0, segment).toArray()),
                                IntLists.immutable.of(segment, 1))))
                .toList();
        return new Transcription(
                3.4,
                List.of(Note.of(0.1, 0.30000000000000004, 60, 127, 0, false), Note.of(1, 1.01, 36, 100, 0, true)),
                segments,
                5,
                6,
                provenance,
                "toy-midi",
                new Timing(0, 0, 0, 0, 0, 0));
    }

    /** Features of a segment: [2, 3]. */
    private static float[] features(int segment) {
        float[] values = new float[6];
        Arrays.fill(values, segment + 0.5f);
        values[5] = -segment;
        return values;
    }

    private static INDArray rows(Position at, boolean encoded) {
        INDArray rows = Nd4j.create(at.rows(), 2, 3);
        for (int row = 0; row < at.rows(); row++) {
            rows.putSlice(
                    row,
                    Nd4j.create(features(at.segment(row) + (encoded ? 100 : 0))).reshape(2, 3));
        }
        return rows;
    }

    private static void keep(KeptJobWriter writer, Position at, boolean encoder) {
        writer.keep(at, rows(at, false), encoder ? rows(at, true) : null);
    }

    private Path write(String name, boolean encoder, List<Position> batches) {
        Path file = folder.resolve(name);
        try (KeptJobWriter writer = new KeptJobWriter(file, true)) {
            writer.begin(LAYOUT);
            batches.forEach(at -> keep(writer, at, encoder));
            writer.finish(transcription());
        }
        return file;
    }

    private static final List<Position> IN_ORDER = List.of(Position.segments(0, 4), Position.segments(4, 3));

    @Test
    void whatWasKeptIsReadBack() {
        try (KeptJob job = KeptJob.open(write("job.safetensors", true, IN_ORDER))) {
            assertEquals(transcription(), job.transcription());
            assertEquals(LAYOUT, job.layout());
            assertTrue(job.hasEncoded());
            Position at = Position.segments(3, 3);
            try (INDArray features = job.features(at);
                    INDArray encoded = job.encoded(at)) {
                assertArrayEquals(new long[] {3, 2, 3}, features.shape());
                assertEquals(rows(at, false), features);
                assertEquals(rows(at, true), encoded);
            }
        }
    }

    @Test
    void aModelWithoutAnEncoderHasFeaturesOnly() {
        try (KeptJob job = KeptJob.open(write("job.safetensors", false, IN_ORDER))) {
            assertFalse(job.hasEncoded());
            assertEquals(rows(Position.segments(6, 1), false), job.features(Position.segments(6, 1)));
        }
    }

    @Test
    void theBytesDoNotDependOnTheOrderOrTheViews() throws IOException {
        byte[] expected = Files.readAllBytes(write("a.safetensors", true, IN_ORDER));
        Position last = new Position(IntLists.immutable.of(6, 2, 5), 1, -1);
        Position first = new Position(IntLists.immutable.of(4, 0, 1, 3), 1, -1);
        assertArrayEquals(expected, Files.readAllBytes(write("b.safetensors", true, List.of(last, first))));

        Path viewed = folder.resolve("c.safetensors");
        try (KeptJobWriter writer = new KeptJobWriter(viewed, false)) {
            writer.begin(LAYOUT);
            Position all = Position.segments(0, SEGMENTS);
            writer.keep(
                    all,
                    rows(all, false).dup('f'),
                    rows(all, true).permute(0, 2, 1).dup('c').permute(0, 2, 1));
            writer.finish(transcription());
        }
        assertArrayEquals(expected, Files.readAllBytes(viewed));
    }

    @Test
    void nothingIsLeftOfAJobThatDoesNotEnd() throws IOException {
        Path file = folder.resolve("job.safetensors");
        try (KeptJobWriter writer = new KeptJobWriter(file, false)) {
            writer.begin(LAYOUT);
            keep(writer, Position.segments(0, 4), true);
            assertThrows(IllegalStateException.class, () -> writer.finish(transcription()), "segments are missing");
        }
        try (var files = Files.list(folder)) {
            assertEquals(0, files.count());
        }
    }

    @Test
    void refusesATargetBeforeAnyWork() throws IOException {
        Path file = Files.writeString(folder.resolve("job.safetensors"), "mine");
        assertThrows(LuthierException.class, () -> new KeptJobWriter(file, false));
        assertThrows(LuthierException.class, () -> new KeptJobWriter(folder, true));
        assertEquals("mine", Files.readString(file));
    }

    @Test
    void saysNothingOfFolders() throws IOException {
        String text = new String(Files.readAllBytes(write("job.safetensors", true, IN_ORDER)), StandardCharsets.UTF_8);
        assertFalse(text.contains(folder.toString()));
    }

    /** One place of the header changed to something of the same length. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "luthier-job/1|luthier-job/2|another version",
                "luthier-job/1|luthier-trace|another file",
                "encoded.4|encodex.4|encoded.4",
                "features.6|features.7|features.6",
                "lengths|lengthx|lengths",
                "\"invalid\":\"5\"|\"invalid\":\"x\"|expected a number",
                "\"duration\":\"3.4\"|\"duration\":\"3,4\"|expected a number",
                "\\\"channels\\\":2,\\\"maxTokens|\\\"channels\\\":3,\\\"maxTokens|lengths",
                "\\\"toy-ids\\\"|\\\"toy-ids\\\\|provenance",
                "\\\"decoder\\\":|\\\"decodex\\\":|provenance",
                "[7,2]|[2,7]|lengths",
            })
    void refusesWhatIsNoSoundJob(String from, String to, String message) throws IOException {
        Path file = write("job.safetensors", true, IN_ORDER);
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertTrue(bytes.contains(from), "the file has " + from);
        Files.writeString(file, bytes.replace(from, to), StandardCharsets.ISO_8859_1);
        String said =
                assertThrows(LuthierException.class, () -> KeptJob.open(file)).getMessage();
        assertTrue(said.contains("job.safetensors") && said.contains(message), said);
        assertEquals(1, said.lines().count());
    }

    /** As a job from before models could name a writer of MIDI files. */
    @Test
    void aJobWithoutAMidiWriterHasTheUsualOne() throws IOException {
        Path file = write("job.safetensors", true, IN_ORDER);
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        Files.writeString(file, bytes.replace("\"midiWriter\"", "\"midiWrites\""), StandardCharsets.ISO_8859_1);
        try (KeptJob job = KeptJob.open(file)) {
            assertEquals("midi", job.transcription().midiWriter());
        }
    }

    /** A recording or a MIDI file that is given in place of the job. */
    @ParameterizedTest
    @ValueSource(strings = {"RIFF$\0\0\0WAVEfmt ", "MThd\0\0\0\6\0\1", ""})
    void refusesAFileOfAnotherKind(String begin) throws IOException {
        Path file = Files.writeString(folder.resolve("other"), begin);
        String said =
                assertThrows(LuthierException.class, () -> KeptJob.open(file)).getMessage();
        assertEquals(file + ": expected a job that 'luthier transcribe --keep' wrote, got another file", said);
    }

    @Test
    void aJobWithoutSegmentsIsNone() {
        Transcription sound = transcription();
        Path file = folder.resolve("job.safetensors");
        try (KeptJobWriter writer = new KeptJobWriter(file, false)) {
            writer.begin(LAYOUT);
            writer.finish(new Transcription(
                    sound.duration(), sound.notes(), List.of(), 0, 0, sound.provenance(), "toy-midi", sound.timing()));
        }
        String said =
                assertThrows(LuthierException.class, () -> KeptJob.open(file)).getMessage();
        assertTrue(said.contains("one segment at least"), said);
    }

    /** Whatever bytes are damaged: an error of ours, or a job. */
    @Test
    void damagedBytes() throws IOException {
        byte[] sound = Files.readAllBytes(write("job.safetensors", true, IN_ORDER));
        Random random = new Random(4);
        Path file = folder.resolve("damaged.safetensors");
        for (int i = 0; i < 2000; i++) {
            byte[] damaged = sound.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            Files.write(file, i % 5 == 0 ? Arrays.copyOf(damaged, random.nextInt(damaged.length)) : damaged);
            try (KeptJob job = KeptJob.open(file)) {
                assertEquals(SEGMENTS, job.transcription().segments().size());
            } catch (LuthierException e) {
                assertEquals(1, e.getMessage().lines().count(), e.getMessage());
            }
        }
    }
}
