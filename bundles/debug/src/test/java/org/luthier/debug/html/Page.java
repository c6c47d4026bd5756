package org.luthier.debug.html;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** A page as a strict reader of XML sees it, which refuses what is not well-formed. */
record Page(List<Element> elements) {
    static Page read(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        try {
            Document document = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
            NodeList all = document.getElementsByTagName("*");
            List<Element> elements = new ArrayList<>();
            for (int i = 0; i < all.getLength(); i++) {
                elements.add((Element) all.item(i));
            }
            return new Page(elements);
        } catch (ParserConfigurationException | SAXException e) {
            throw new AssertionError(e);
        }
    }

    static List<String> attributes(Element element) {
        NamedNodeMap attributes = element.getAttributes();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < attributes.getLength(); i++) {
            names.add(attributes.item(i).getNodeName());
        }
        return names;
    }

    /** Every element with the names of its attributes, in their order. */
    List<String> structure() {
        return elements.stream()
                .map(element -> element.getTagName() + attributes(element))
                .toList();
    }

    /** What all elements of a kind say. */
    String text(String tag) {
        return elements.stream()
                .filter(element -> element.getTagName().equals(tag))
                .map(Element::getTextContent)
                .collect(Collectors.joining("\n"));
    }

    List<String> alternatives() {
        return elements.stream().map(element -> element.getAttribute("alt")).toList();
    }

    /** The pixels 0xAARRGGBB of the first picture whose alternative text has a word. */
    int[] picture(String word) throws IOException {
        String source = elements.stream()
                .filter(element -> element.getAttribute("alt").contains(word))
                .findFirst()
                .orElseThrow()
                .getAttribute("src");
        byte[] png = Base64.getDecoder().decode(source.substring(source.indexOf(',') + 1));
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }
}
