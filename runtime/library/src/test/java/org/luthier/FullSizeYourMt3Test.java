package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.notes.Transcription;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.model.yourmt3.YourMt3Family;
import org.luthier.workbench.TranscriptionRequest;

/** The YourMT3+ with mixtures of experts at its full size, with seeded weights: what it says is nonsense, how long that takes is not. */
@Tag("full")
class FullSizeYourMt3Test {
    private static final String MODEL = "yourmt3-moe";
    private static final int RATE = 16000;
    private static final int SECONDS = 30;
    private static final int SEGMENTS = 15;
    private static final int CHANNELS = 13;
    /** Most tokens of a channel, which all of them write. */
    private static final int STEPS = 256;

    /** Of PyTorch, on a thread of such a machine: front end and encoder of a segment, and a token of a channel. */
    private static final double PYTORCH = SEGMENTS * 2.0 + SEGMENTS * CHANNELS * STEPS * 2.5e-3;

    @TempDir
    Path folder;

    @Test
    void halfAMinuteWithAllTheTokensThatThereCanBe() throws IOException {
        try (Luthier luthier = Luthier.builder().models(folder).open()) {
            Path checkpoint = write(luthier.workbench().catalog().get(MODEL), folder.resolve("seeded.safetensors"));
            Path audio = SoundFiles.floatWave(folder.resolve("noise.wav"), noise(), RATE);
            double before = processorSeconds();
            Transcription found = luthier.transcribe(TranscriptionRequest.of(audio)
                    .withModel(MODEL)
                    .withCheckpoint(checkpoint)
                    .withExecution(new Execution("cpu", "cpu", 2)));
            double taken = processorSeconds() - before;
            assertEquals(SEGMENTS, found.segments().size());
            found.segments().forEach(segment -> {
                assertEquals(CHANNELS, segment.channels().size());
                segment.channels().forEach(tokens -> assertEquals(STEPS, tokens.size()));
            });
            System.out.printf(
                    "%d s of sound, %d tokens, two threads: %.0f s on processors, %.0f by the clock; front end %.1f s, encoder %.1f s, decoder"
                            + " %.1f s; PyTorch takes %.0f s on a processor%n",
                    SECONDS,
                    SEGMENTS * CHANNELS * STEPS,
                    taken,
                    found.timing().total(),
                    found.timing().frontend(),
                    found.timing().encoder(),
                    found.timing().decoder(),
                    PYTORCH);
            // Loading, and the compiler of Java, are in it too; a busy machine is slower, though not by this much.
            assertTrue(taken < PYTORCH, taken + " s on processors");
        }
    }

    private static double processorSeconds() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }

    private static float[] noise() {
        Random random = new Random(1);
        float[] samples = new float[SECONDS * RATE];
        for (int i = 0; i < samples.length; i++) {
            samples[i] = (float) random.nextGaussian() * 0.1f;
        }
        return samples;
    }

    /** Writes all that the model takes. */
    private static Path write(ModelDefinition definition, Path file) throws IOException {
        Asked asked = new Asked();
        new YourMt3Family()
                .load(definition, asked, new Execution("cpu", "cpu", 1))
                .close();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
            SafetensorsWriter.writeHeader(out, Map.of(), asked.tensors);
            for (TensorInfo tensor : asked.tensors) {
                float[] values = values(tensor);
                ByteBuffer bytes =
                        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(values);
                out.write(bytes.array());
            }
        }
        return file;
    }

    private static float[] values(TensorInfo tensor) {
        Random random = new Random(tensor.name().hashCode());
        float[] values = new float[(int) tensor.elements()];
        int last = tensor.shape().get(tensor.shape().size() - 1).intValue();
        float spread = last == values.length ? 1 : (float) Math.sqrt(12.0 * last / values.length);
        for (int i = 0; i < values.length; i++) {
            // Vectors are scales and variances too.
            values[i] = last == values.length ? 0.5f + random.nextFloat() : spread * (random.nextFloat() - 0.5f);
        }
        if (tensor.name().equals("decoder.logits.weight")) {
            // The logit of the end is 0, never the largest of 596.
            for (int i = 1; i < values.length; i += last) {
                values[i] = 0;
            }
        }
        return values;
    }

    /** Remembers what is asked for. */
    private static final class Asked implements Weights {
        private final List<TensorInfo> tensors = new ArrayList<>();

        @Override
        public float[] take(String name, long... shape) {
            List<Long> sizes = new ArrayList<>();
            int count = 1;
            for (long size : shape) {
                sizes.add(size);
                count *= (int) size;
            }
            tensors.add(new TensorInfo(name, sizes, DType.F32));
            return new float[count];
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            return null;
        }

        @Override
        public void finish() {}
    }
}
