package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * safetensors: a header of JSON, then the tensors' bytes end to end.
 *
 * <p>Everything that the format promises is checked when a file is opened: header length of at most 100,000,000 bytes and within the
 * file; a header that starts with an opening brace, is UTF-8 and has no key twice; metadata of text only; tensors without holes or
 * overlap that end where the file ends and are as long as shape and type say. Fields that the format does not name are refused.
 * Types without an exact counterpart in {@link DType} (unsigned 16 to 64 bits, 8-bit floats) are refused by name.
 */
@Component(service = CheckpointFormat.class)
public final class SafetensorsFormat implements CheckpointFormat {
    private static final long MAX_HEADER = 100_000_000;
    static final String METADATA = "__metadata__";

    /** Of tensors and of metadata; each costs more than its bytes in the header. */
    private static final int MAX_ENTRIES = 1 << 18;

    @Override
    public String id() {
        return "safetensors";
    }

    @Override
    public String description() {
        return "safetensors files";
    }

    @Override
    public boolean recognises(Path path) {
        return FileBytes.startsWith(
                path,
                9,
                start -> start.remaining() == 9
                        && start.getLong(0) > 0
                        && start.getLong(0) <= MAX_HEADER
                        && start.get(8) == '{');
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes file = FileBytes.open(path);
        try {
            return new Header(file).read();
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private record Extent(TensorInfo tensor, long begin, long end) implements StoredCheckpoint.Stored {}

    /** Reads the header of one file. */
    private static final class Header {
        private final FileBytes file;
        private final Map<String, Extent> extents = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private JsonParser json;

        Header(FileBytes file) {
            this.file = file;
        }

        Checkpoint read() {
            if (file.size() < 8) {
                throw file.broken(0, "truncated", "expected 8 bytes of header length, the file has " + file.size());
            }
            long length = file.read(0, 8).getLong();
            if (length < 0 || length > MAX_HEADER || length > file.size() - 8) {
                throw file.broken(
                        0,
                        "header-length",
                        "header length " + Long.toUnsignedString(length) + ", allowed are " + MAX_HEADER
                                + " and what the file has left, " + (file.size() - 8));
            }
            if (length < 2 || file.read(8, 1).get() != '{') {
                throw file.broken(8, "header-start", "the header does not start with '{'");
            }
            Json.read(file, 8, length, "header-", parser -> {
                json = parser;
                readEntries();
                if (json.nextToken() != null) {
                    throw broken("header-end", "something follows the header's last brace");
                }
            });
            long dataStart = 8 + length;
            checkContiguous(dataStart, file.size() - dataStart);
            return new Opened(file, extents, metadata, dataStart);
        }

        private void readEntries() throws IOException {
            expect(json.nextToken(), JsonToken.START_OBJECT, "an object");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                expect(json.nextToken(), JsonToken.START_OBJECT, "an object for '" + Names.brief(name) + "'");
                if (name.equals(METADATA)) {
                    readMetadata();
                } else if (!Names.isUsable(name)) {
                    throw broken("name", "no name for a tensor: '" + Names.brief(name) + "'");
                } else {
                    extents.put(name, readTensor(name));
                }
                checkCount(extents);
            }
        }

        private void readMetadata() throws IOException {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String key = json.currentName();
                expect(json.nextToken(), JsonToken.VALUE_STRING, "text for the metadata '" + Names.brief(key) + "'");
                metadata.put(key, json.getText());
                checkCount(metadata);
            }
        }

        private void checkCount(Map<?, ?> entries) {
            if (entries.size() > MAX_ENTRIES) {
                throw broken("too-many-entries", "more than " + MAX_ENTRIES + " tensors or metadata");
            }
        }

        private Extent readTensor(String name) throws IOException {
            DType dtype = null;
            List<Long> shape = null;
            List<Long> offsets = null;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "dtype" -> dtype = dtype(name);
                    case "shape" -> shape = sizes(name, field);
                    case "data_offsets" -> offsets = sizes(name, field);
                    default ->
                        throw broken(
                                "header-field",
                                "tensor '" + Names.brief(name) + "' has a field '" + Names.brief(field)
                                        + "', expected are dtype, shape and data_offsets");
                }
            }
            if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
                throw broken(
                        "header-field",
                        "tensor '" + Names.brief(name) + "' needs dtype, shape and data_offsets [begin, end]");
            }
            long begin = offsets.get(0);
            long end = offsets.get(1);
            long bytes = Shapes.bytes(shape, dtype);
            if (begin > end || bytes != end - begin) {
                throw broken(
                        "tensor-size",
                        "tensor '" + Names.brief(name) + "' of shape " + shape + " and type " + dtype + " needs "
                                + (bytes < 0 ? "more than 2^63" : bytes) + " bytes, its offsets are " + begin + " to "
                                + end);
            }
            return new Extent(new TensorInfo(name, shape, dtype), begin, end);
        }

        private DType dtype(String name) throws IOException {
            expect(json.currentToken(), JsonToken.VALUE_STRING, "text for the dtype of '" + Names.brief(name) + "'");
            String text = json.getText();
            for (DType dtype : DType.values()) {
                if (dtype.name().equals(text)) {
                    return dtype;
                }
            }
            throw broken(
                    "dtype",
                    "tensor '" + Names.brief(name) + "' has the type '" + Names.brief(text) + "', readable are "
                            + List.of(DType.values()));
        }

        private List<Long> sizes(String name, String field) throws IOException {
            expect(
                    json.currentToken(),
                    JsonToken.START_ARRAY,
                    "a list for " + field + " of '" + Names.brief(name) + "'");
            List<Long> sizes = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        || json.getText().startsWith("-")) {
                    throw broken(
                            "header-number",
                            field + " of '" + Names.brief(name) + "' must hold whole numbers from 0 to 2^63-1, got '"
                                    + Names.brief(json.getText()) + "'");
                }
                if (sizes.size() == Shapes.MAX_RANK) {
                    throw broken(
                            "shape",
                            field + " of '" + Names.brief(name) + "' has more than " + Shapes.MAX_RANK + " numbers");
                }
                sizes.add(json.getLongValue());
            }
            return List.copyOf(sizes);
        }

        private void expect(JsonToken token, JsonToken expected, String what) {
            if (token != expected) {
                throw broken("header-json", "expected " + what + ", got " + token);
            }
        }

        private void checkContiguous(long dataStart, long dataLength) {
            List<Extent> sorted = new ArrayList<>(extents.values());
            // A tensor of no bytes may share its offset with its neighbours.
            sorted.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
            long end = 0;
            for (Extent extent : sorted) {
                if (extent.begin() != end) {
                    throw file.broken(
                            // Far beyond the file the place is told by the message alone.
                            extent.begin() > dataLength ? -1 : dataStart + extent.begin(),
                            extent.begin() < end ? "overlap" : "hole",
                            "tensor '" + Names.brief(extent.tensor().name()) + "' begins at offset " + extent.begin()
                                    + " of the data, the one before ends at " + end);
                }
                end = extent.end();
            }
            if (end != dataLength) {
                throw file.broken(
                        -1,
                        end > dataLength ? "truncated" : "data-end",
                        "the tensors end at offset " + end + " of the data, the file has " + dataLength
                                + " bytes of data");
            }
        }

        private CheckpointException broken(String rule, String detail) {
            return file.broken(Json.at(8, json.currentLocation()), rule, detail);
        }
    }

    private static final class Opened extends StoredCheckpoint<Extent> {
        private final FileBytes file;
        private final long dataStart;

        Opened(FileBytes file, Map<String, Extent> extents, Map<String, String> metadata, long dataStart) {
            super("safetensors", file, extents, metadata);
            this.file = file;
            this.dataStart = dataStart;
        }

        @Override
        ByteBuffer bytes(Extent extent) {
            return file.read(dataStart + extent.begin(), extent.end() - extent.begin());
        }
    }
}
