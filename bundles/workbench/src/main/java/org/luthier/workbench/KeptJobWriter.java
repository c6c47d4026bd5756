package org.luthier.workbench;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Transcription;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.AtomicFile;
import org.luthier.files.Reason;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes a {@link KeptJob}: the same job gives the same bytes. Features and encoder output go to a temporary file beside the target as
 * they come, so that a batch at a time is in memory; {@link #finish} puts the file together, and it is there complete or not at all.
 */
public final class KeptJobWriter implements Keeper, AutoCloseable {
    private final Path target;
    private final boolean overwrite;
    /** Guards what follows; the channel takes several writers by itself. */
    private final Object lock = new Object();

    private final BitSet kept = new BitSet();
    private TokenLayout layout;
    private FileChannel data;
    private List<Long> featureShape;
    private List<Long> encodedShape;

    /**
     * @param target the file; checked at once
     * @param overwrite whether an existing file may be replaced
     * @throws LuthierException if the target is refused, see {@link AtomicFile#check}
     */
    public KeptJobWriter(Path target, boolean overwrite) {
        AtomicFile.check(target, overwrite);
        this.target = target;
        this.overwrite = overwrite;
    }

    @Override
    public void begin(TokenLayout tokenLayout) {
        layout = tokenLayout;
    }

    @Override
    public void keep(Position at, INDArray features, INDArray encoded) {
        open(features, encoded);
        long featureBytes = bytes(featureShape);
        long segmentBytes = featureBytes + (encodedShape == null ? 0 : bytes(encodedShape));
        for (int row = 0; row < at.rows(); row++) {
            long start = at.segment(row) * segmentBytes;
            write(features.slice(row), start);
            if (encodedShape != null) {
                write(encoded.slice(row), start + featureBytes);
            }
        }
        synchronized (lock) {
            for (int row = 0; row < at.rows(); row++) {
                kept.set(at.segment(row));
            }
        }
    }

    private void open(INDArray features, INDArray encoded) {
        synchronized (lock) {
            if (data != null) {
                return;
            }
            featureShape = rowShape(features);
            encodedShape = encoded == null ? null : rowShape(encoded);
            Path temporary = target.toAbsolutePath().resolveSibling(".luthier-" + UUID.randomUUID() + ".part");
            try {
                data = FileChannel.open(
                        temporary,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE);
            } catch (IOException e) {
                throw unwritable(e);
            }
        }
    }

    private static List<Long> rowShape(INDArray array) {
        return Arrays.stream(array.shape()).skip(1).boxed().toList();
    }

    private static long bytes(List<Long> shape) {
        return new TensorInfo("", shape, DType.F32).elements() * Float.BYTES;
    }

    private void write(INDArray values, long position) {
        float[] floats = Tensors.floats(values);
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(floats.length, Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(floats);
        try {
            for (long at = position; bytes.hasRemaining(); ) {
                at += data.write(bytes, at);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /**
     * Writes the file.
     *
     * @param transcription what came of the job whose features were kept
     */
    public void finish(Transcription transcription) {
        int segments = transcription.segments().size();
        if (layout == null || kept.cardinality() != segments) {
            throw new IllegalStateException("kept " + kept.cardinality() + " of " + segments + " segments");
        }
        List<TensorInfo> tensors = new ArrayList<>();
        for (int segment = 0; segment < segments; segment++) {
            tensors.add(new TensorInfo(KeptJob.FEATURES + segment, featureShape, DType.F32));
            if (encodedShape != null) {
                tensors.add(new TensorInfo(KeptJob.ENCODED + segment, encodedShape, DType.F32));
            }
        }
        List<SafetensorsWriter.Tensor> results = results(transcription);
        results.forEach(tensor -> tensors.add(new TensorInfo(tensor.name(), tensor.shape(), tensor.dtype())));
        AtomicFile.write(target, overwrite, out -> {
            SafetensorsWriter.writeHeader(out, metadata(transcription), tensors);
            if (data != null) {
                copy(out);
            }
            for (SafetensorsWriter.Tensor tensor : results) {
                out.write(tensor.bytes().array());
            }
        });
    }

    private void copy(OutputStream out) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(1 << 20);
        for (long at = 0; data.read(block, at) >= 0; at += block.position(), block.clear()) {
            out.write(block.array(), 0, block.position());
        }
    }

    private Map<String, String> metadata(Transcription transcription) throws JsonProcessingException {
        Map<String, String> metadata = new TreeMap<>();
        metadata.put("format", KeptJob.FORMAT);
        metadata.put("provenance", KeptJob.JSON.writeValueAsString(transcription.provenance()));
        metadata.put(KeptJob.MIDI_WRITER, transcription.midiWriter());
        metadata.put("layout", KeptJob.JSON.writeValueAsString(layout));
        metadata.put("duration", Double.toString(transcription.duration()));
        metadata.put("invalid", Long.toString(transcription.invalid()));
        metadata.put("dropped", Long.toString(transcription.dropped()));
        return metadata;
    }

    private List<SafetensorsWriter.Tensor> results(Transcription transcription) {
        List<SegmentTokens> segments = transcription.segments();
        int tokens = segments.stream()
                .flatMap(segment -> segment.channels().stream())
                .mapToInt(IntList::size)
                .sum();
        List<Note> notes = transcription.notes();
        Results starts = new Results(KeptJob.STARTS, DType.F64, segments.size());
        Results lengths = new Results(KeptJob.LENGTHS, DType.I32, segments.size(), layout.channels());
        Results ids = new Results(KeptJob.TOKENS, DType.I32, tokens);
        Results rows = new Results(KeptJob.NOTES, DType.F64, notes.size(), KeptJob.NOTE_FIELDS);
        for (SegmentTokens segment : segments) {
            starts.bytes.putDouble(segment.start());
            for (IntList channel : segment.channels()) {
                lengths.bytes.putInt(channel.size());
                channel.forEach(ids.bytes::putInt);
            }
        }
        for (Note note : notes) {
            rows.bytes
                    .putDouble(note.start())
                    .putDouble(note.end())
                    .putDouble(note.pitch())
                    .putDouble(note.velocity())
                    .putDouble(note.program())
                    .putDouble(note.drum() ? 1 : 0);
        }
        return List.of(starts.tensor(), lengths.tensor(), ids.tensor(), rows.tensor());
    }

    /** A small tensor being filled. */
    private static final class Results {
        private final String name;
        private final DType dtype;
        private final List<Long> shape;
        private final ByteBuffer bytes;

        private Results(String name, DType dtype, long... shape) {
            this.name = name;
            this.dtype = dtype;
            this.shape = Arrays.stream(shape).boxed().toList();
            long elements = new TensorInfo(name, this.shape, dtype).elements();
            bytes = ByteBuffer.allocate(Math.toIntExact(elements * dtype.bytes()))
                    .order(ByteOrder.LITTLE_ENDIAN);
        }

        private SafetensorsWriter.Tensor tensor() {
            return new SafetensorsWriter.Tensor(name, dtype, shape, bytes.flip());
        }
    }

    private RuntimeException unwritable(IOException e) {
        return e instanceof ClosedByInterruptException
                ? new CancelledException()
                : new LuthierException("cannot keep the job for " + target + ": " + Reason.of(e), e);
    }

    /** Removes the temporary file. */
    @Override
    public void close() {
        synchronized (lock) {
            if (data != null) {
                try {
                    data.close();
                } catch (IOException e) {
                    throw unwritable(e);
                }
            }
        }
    }
}
