package org.luthier.pianoroll;

import java.io.IOException;
import java.io.OutputStream;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.files.picture.Png;
import org.osgi.service.component.annotations.Component;

/**
 * Draws notes as a piano roll, a PNG of 1600 pixels' width: time to the right, pitch upwards, a colour for each instrument, stronger for
 * louder notes, pitch bends as thin lines.
 *
 * <p>Long pieces are wrapped into lines; the height never exceeds 6000 pixels. Nothing of AWT is used: no display, no fonts, the same
 * pixels on every machine.
 */
@Component
public final class PianoRollWriter implements TranscriptionWriter {
    @Override
    public String id() {
        return "png";
    }

    @Override
    public String description() {
        return "Piano roll, a picture of the notes.";
    }

    @Override
    public void write(Transcription transcription, OutputStream out) throws IOException {
        Canvas canvas = new PianoRoll(transcription).draw();
        Png.rgb(canvas.width(), canvas.height(), canvas::pixel, out);
    }
}
