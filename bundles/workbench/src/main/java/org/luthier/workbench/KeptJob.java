package org.luthier.workbench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Timing;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.checkpoint.SafetensorsFormat;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A job of a token model that was kept: what its audio was, what the model made of it, and the parts that did it. May be read by several
 * threads; segments are read when they are asked for.
 *
 * <p>The file is safetensors of the format {@code luthier-job/1}. Metadata: {@code provenance} and {@code layout} (the model's tokens) as
 * JSON, {@code midiWriter}, {@code duration}, {@code invalid}, {@code dropped}. Tensors, where k counts segments from 0: {@code features.k}
 * and, of a model with an encoder, {@code encoded.k}, F32; {@code starts} [segments] F64 in seconds; {@code tokens} I32, all ids end to
 * end, by segment and channel; {@code lengths} [segments, channels] I32, how many ids each has; {@code notes} [notes, 6] F64: start, end,
 * pitch, velocity, program, drum.
 */
public final class KeptJob implements AutoCloseable {
    /** Stands for the id of a writer where {@link TranscribeFiles} is to keep the job. */
    public static final String OUTPUT = "job";

    static final String FORMAT = "luthier-job/1";
    static final String FEATURES = "features.";
    static final String ENCODED = "encoded.";
    static final String STARTS = "starts";
    static final String LENGTHS = "lengths";
    static final String TOKENS = "tokens";
    static final String NOTES = "notes";
    static final int NOTE_FIELDS = 6;
    /** Not in jobs that were kept before models could name one. */
    static final String MIDI_WRITER = "midiWriter";

    private static final String NO_JOB = "expected a job that 'luthier transcribe --keep' wrote, got another file";
    static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final Checkpoint file;
    private final TokenLayout layout;
    private final Transcription transcription;
    private final boolean encoded;

    private KeptJob(Checkpoint file) {
        this.file = file;
        String format = file.metadata().getOrDefault("format", "");
        if (!format.equals(FORMAT)) {
            throw wrong(
                    format.startsWith("luthier-job/")
                            ? "expected format " + FORMAT + ", got " + format + "; another version of Luthier wrote it"
                            : NO_JOB);
        }
        layout = json("layout", TokenLayout.class);
        if (layout.vocabulary() == null || layout.vocabulary().ranges() == null || layout.channels() < 1) {
            throw wrong("metadata 'layout' lacks a vocabulary or channels");
        }
        Provenance provenance = json("provenance", Provenance.class);
        if (provenance.model() == null
                || provenance.checkpoint() == null
                || provenance.tokenizer() == null
                || provenance.decoder() == null
                || provenance.assembler() == null
                || provenance.parameters() == null
                || provenance.audio() == null) {
            throw wrong("metadata 'provenance' does not say all of model, checkpoint, tokenizer, decoder, assembler,"
                    + " parameters and audio");
        }
        List<SegmentTokens> segments = segments();
        encoded = file.tensors().containsKey(ENCODED + 0);
        for (int segment = 0; segment < segments.size(); segment++) {
            alike(FEATURES, segment);
            if (encoded) {
                alike(ENCODED, segment);
            }
        }
        transcription = new Transcription(
                number("duration", Double::parseDouble),
                notes(),
                segments,
                number("invalid", Long::parseLong),
                number("dropped", Long::parseLong),
                provenance,
                file.metadata().getOrDefault(MIDI_WRITER, TranscriptionWriter.MIDI),
                new Timing(0, 0, 0, 0, 0, 0));
    }

    /**
     * Opens a kept job.
     *
     * @throws LuthierException if the file is none, is damaged, or another version's
     */
    public static KeptJob open(Path path) {
        SafetensorsFormat format = new SafetensorsFormat();
        if (Files.exists(path) && !format.recognises(path)) {
            throw new LuthierException(path + ": " + NO_JOB);
        }
        Checkpoint file = format.open(path);
        try {
            return new KeptJob(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** What came of the job when it ran; its timing was not kept. */
    public Transcription transcription() {
        return transcription;
    }

    /** What tokens the model writes. */
    public TokenLayout layout() {
        return layout;
    }

    /** Shape of the features of one segment. */
    public List<Long> featureShape() {
        return file.tensors().get(FEATURES + 0).shape();
    }

    /** Whether the model has an encoder, whose output was kept. */
    public boolean hasEncoded() {
        return encoded;
    }

    /** The features of consecutive segments: [rows, ...]. To be closed by the caller. */
    public INDArray features(Position at) {
        return rows(FEATURES, at);
    }

    /** The encoder's output for consecutive segments: [rows, ...]. To be closed by the caller. */
    public INDArray encoded(Position at) {
        return rows(ENCODED, at);
    }

    @Override
    public void close() {
        file.close();
    }

    private INDArray rows(String prefix, Position at) {
        List<Long> shape = file.tensors().get(prefix + at.segment(0)).shape();
        int size = Math.toIntExact(new TensorInfo("", shape, DType.F32).elements());
        float[] values = new float[Math.multiplyExact(size, at.rows())];
        long[] full = new long[shape.size() + 1];
        full[0] = at.rows();
        for (int i = 0; i < shape.size(); i++) {
            full[i + 1] = shape.get(i);
        }
        for (int row = 0; row < at.rows(); row++) {
            file.read(prefix + at.segment(row)).asFloatBuffer().get(values, row * size, size);
        }
        return Nd4j.create(values, full, 'c');
    }

    private void alike(String prefix, int segment) {
        TensorInfo first = file.tensors().get(prefix + 0);
        TensorInfo tensor = tensor(
                prefix + segment, DType.F32, first == null ? 0 : first.shape().size());
        if (!tensor.shape().equals(first.shape())) {
            throw wrong("tensor '" + tensor.name() + "' has the shape " + tensor.shape() + ", that of segment 0 "
                    + first.shape());
        }
    }

    private TensorInfo tensor(String name, DType dtype, int rank) {
        TensorInfo tensor = file.tensors().get(name);
        if (tensor == null) {
            throw wrong("there is no tensor '" + name + "'");
        }
        if (tensor.dtype() != dtype || tensor.shape().size() != rank) {
            throw wrong("tensor '" + name + "': expected " + rank + " dimensions of " + dtype + ", got "
                    + tensor.shape() + " of " + tensor.dtype());
        }
        return tensor;
    }

    private List<SegmentTokens> segments() {
        long count = tensor(STARTS, DType.F64, 1).shape().get(0);
        if (count == 0) {
            throw wrong("tensor 'starts' is empty: a job has one segment at least");
        }
        long total = tensor(TOKENS, DType.I32, 1).shape().get(0);
        TensorInfo lengths = tensor(LENGTHS, DType.I32, 2);
        if (!lengths.shape().equals(List.of(count, (long) layout.channels()))) {
            throw wrong(
                    "tensor 'lengths': expected [" + count + ", " + layout.channels() + "], got " + lengths.shape());
        }
        ByteBuffer start = file.read(STARTS);
        ByteBuffer length = file.read(LENGTHS);
        ByteBuffer ids = file.read(TOKENS);
        List<SegmentTokens> segments = new ArrayList<>();
        for (long segment = 0; segment < count; segment++) {
            List<IntList> channels = new ArrayList<>();
            for (int channel = 0; channel < layout.channels(); channel++) {
                int size = length.getInt();
                if (size < 0 || size > ids.remaining() / Integer.BYTES) {
                    throw wrong("tensor 'lengths' asks for " + size + " tokens, of " + total + " there are "
                            + ids.remaining() / Integer.BYTES + " left");
                }
                int[] values = new int[size];
                ids.asIntBuffer().get(values);
                ids.position(ids.position() + size * Integer.BYTES);
                channels.add(IntLists.immutable.of(values));
            }
            segments.add(new SegmentTokens(start.getDouble(), List.copyOf(channels)));
        }
        if (ids.hasRemaining()) {
            throw wrong("tensor 'tokens' has " + ids.remaining() / Integer.BYTES + " more than 'lengths' asks for");
        }
        return List.copyOf(segments);
    }

    private List<Note> notes() {
        TensorInfo tensor = tensor(NOTES, DType.F64, 2);
        if (tensor.shape().get(1) != NOTE_FIELDS) {
            throw wrong("tensor 'notes': expected " + NOTE_FIELDS + " numbers a note, got " + tensor.shape());
        }
        ByteBuffer rows = file.read(NOTES);
        List<Note> notes = new ArrayList<>();
        while (rows.hasRemaining()) {
            notes.add(Note.of(
                    rows.getDouble(),
                    rows.getDouble(),
                    (int) rows.getDouble(),
                    (int) rows.getDouble(),
                    (int) rows.getDouble(),
                    rows.getDouble() != 0));
        }
        return List.copyOf(notes);
    }

    private <T> T json(String key, Class<T> type) {
        try {
            T value = JSON.readValue(text(key), type);
            if (value != null) {
                return value;
            }
            throw wrong("metadata '" + key + "' is empty");
        } catch (JsonProcessingException e) {
            throw new LuthierException(
                    file.name() + ": metadata '" + key + "' is not the JSON that " + FORMAT + " asks for", e);
        }
    }

    private <T> T number(String key, Function<String, T> parse) {
        try {
            return parse.apply(text(key));
        } catch (NumberFormatException e) {
            throw new LuthierException(
                    file.name() + ": metadata '" + key + "': expected a number, got " + text(key), e);
        }
    }

    private String text(String key) {
        Map<String, String> metadata = file.metadata();
        if (!metadata.containsKey(key)) {
            throw wrong(FORMAT + " needs metadata '" + key + "'");
        }
        return metadata.get(key);
    }

    private LuthierException wrong(String what) {
        return new LuthierException(file.name() + ": " + what);
    }
}
