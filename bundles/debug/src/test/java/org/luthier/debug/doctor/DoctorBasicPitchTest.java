package org.luthier.debug.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.model.mt3.Mt3Family;

/** The doctor on Basic Pitch, whose weights are in the repository. */
class DoctorBasicPitchTest {
    private static final Path WEIGHTS = Clinic.ROOT.resolve("models/basic-pitch/basic-pitch.safetensors");
    private static final int RATE = 22050;

    @TempDir
    Path folder;

    private Diagnosis examine(Path weights, Path audio) {
        try (Clinic clinic = new Clinic(new Mt3Family(), Clinic.ROOT.resolve("models"))) {
            return clinic.examine(weights, null, audio, null);
        }
    }

    /** Four tones of half a second with six harmonics. */
    private Path melody(float gain) throws IOException {
        float[] samples = new float[4 * RATE];
        double[] pitches = {261.6, 329.6, 392.0, 523.3};
        for (int i = 0; i < samples.length; i++) {
            double time = (double) i / RATE;
            int note = (int) (time / 0.5) % pitches.length;
            double decay = Math.exp(-3 * (time % 0.5));
            for (int harmonic = 1; harmonic <= 6; harmonic++) {
                samples[i] +=
                        (float) (gain * decay / harmonic * Math.sin(2 * Math.PI * pitches[note] * harmonic * time));
            }
        }
        return Clinic.wav(folder.resolve("melody.wav"), samples, RATE);
    }

    @Test
    void isHealthyToTheNotes() throws IOException {
        Diagnosis diagnosis = examine(WEIGHTS, melody(0.2f));
        assertTrue(diagnosis.healthy(), diagnosis.text());
        assertEquals(
                List.of(
                        Stage.FORMAT,
                        Stage.FAMILY,
                        Stage.NAMES,
                        Stage.SHAPES,
                        Stage.STATISTICS,
                        Stage.SIGNAL,
                        Stage.FEATURES,
                        Stage.ENCODER,
                        Stage.NOTES),
                diagnosis.examined());
    }

    @Test
    void aRecordingThatIsTooSoftIsNotTheWeightsFault() throws IOException {
        Finding finding = examine(WEIGHTS, melody(1e-4f)).findings().get(0);
        assertEquals(Stage.SIGNAL, finding.stage());
        assertEquals("the recording is far too soft", finding.what());
    }

    @Test
    void aKernelOfZerosIsFoundInTheFileAndInTheRun() throws IOException {
        Path file = folder.resolve("ill.safetensors");
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        try (Checkpoint healthy = Checkpoints.builtIn().open(WEIGHTS)) {
            healthy.tensors().values().forEach(tensor -> {
                ByteBuffer bytes = healthy.read(tensor.name());
                boolean zero = tensor.name().equals("contour2.weight");
                tensors.add(new SafetensorsWriter.Tensor(
                        tensor.name(),
                        tensor.dtype(),
                        tensor.shape(),
                        zero ? ByteBuffer.allocate(bytes.remaining()) : bytes));
            });
        }
        try (OutputStream out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
        Diagnosis diagnosis = examine(file, melody(0.2f));
        assertEquals(2, diagnosis.findings().size(), diagnosis.text());
        assertEquals(Stage.STATISTICS, diagnosis.findings().get(0).stage());
        assertEquals(Stage.ENCODER, diagnosis.findings().get(1).stage());
        assertEquals(
                "contour2.pre does not change with time",
                diagnosis.findings().get(1).what());
    }
}
