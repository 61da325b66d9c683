"""The words the demo shop is made of: a wine merchant in the north of England with an online shop and two stores."""

from __future__ import annotations

# Town, county, postcode area, highest district.
TOWNS = (
    ("Leeds", "West Yorkshire", "LS", 19), ("Bradford", "West Yorkshire", "BD", 18), ("York", "North Yorkshire", "YO", 32),
    ("Harrogate", "North Yorkshire", "HG", 5), ("Sheffield", "South Yorkshire", "S", 14), ("Hull", "East Yorkshire", "HU", 9),
    ("Manchester", "Greater Manchester", "M", 23), ("Stockport", "Greater Manchester", "SK", 8), ("Bolton", "Greater Manchester", "BL", 7),
    ("Liverpool", "Merseyside", "L", 25), ("Chester", "Cheshire", "CH", 5), ("Preston", "Lancashire", "PR", 7),
    ("Lancaster", "Lancashire", "LA", 6), ("Newcastle upon Tyne", "Tyne and Wear", "NE", 16), ("Durham", "County Durham", "DH", 9),
    ("Nottingham", "Nottinghamshire", "NG", 17), ("Derby", "Derbyshire", "DE", 24), ("Leicester", "Leicestershire", "LE", 9),
    ("Birmingham", "West Midlands", "B", 38), ("Coventry", "West Midlands", "CV", 8), ("Oxford", "Oxfordshire", "OX", 4),
    ("Cambridge", "Cambridgeshire", "CB", 5), ("Norwich", "Norfolk", "NR", 9), ("Bristol", "Bristol", "BS", 16),
    ("Bath", "Somerset", "BA", 3), ("Exeter", "Devon", "EX", 6), ("Plymouth", "Devon", "PL", 9), ("Truro", "Cornwall", "TR", 4),
    ("Southampton", "Hampshire", "SO", 19), ("Brighton", "East Sussex", "BN", 3), ("Canterbury", "Kent", "CT", 6),
    ("Reading", "Berkshire", "RG", 7), ("Cardiff", "South Glamorgan", "CF", 24), ("Swansea", "West Glamorgan", "SA", 7),
    ("Bangor", "Gwynedd", "LL", 57), ("Edinburgh", "Midlothian", "EH", 17), ("Glasgow", "Lanarkshire", "G", 46),
    ("Aberdeen", "Aberdeenshire", "AB", 25), ("Inverness", "Inverness-shire", "IV", 3), ("Belfast", "County Antrim", "BT", 17),
)  # fmt: skip

# Country: weight, currency, language, towns with a postcode each.
ABROAD = {
    "IE": (5, "EUR", "en", (("Dublin", "D02 X285"), ("Cork", "T12 W8KN"), ("Galway", "H91 E2K3"))),
    "FR": (3, "EUR", "fr", (("Lyon", "69002"), ("Bordeaux", "33000"), ("Paris", "75011"))),
    "DE": (3, "EUR", "de", (("Köln", "50667"), ("München", "80331"), ("Lübeck", "23552"))),
    "NL": (2, "EUR", "nl", (("Utrecht", "3511 AB"), ("Den Haag", "2511 CV"))),
    "ES": (1, "EUR", "es", (("Málaga", "29001"), ("Logroño", "26001"))),
}
FOREIGN_STREETS = {
    "IE": "{n} O'Connell Street", "FR": "{n} rue des Écoles", "DE": "Goethestraße {n}", "NL": "Lange Nieuwstraat {n}",
    "ES": "Calle de Alcalá {n}",
}  # fmt: skip

STREETS = (
    "Mill", "Church", "Station", "Victoria", "Albert", "Park", "Canal", "Orchard", "Chapel", "School", "Manor", "Grange",
    "Priory", "Castle", "Bridge", "Springfield", "Windsor", "Queens", "Kings", "Beech", "Oak", "Elm", "Willow", "Hawthorn",
    "Ashfield", "Meadow", "Brook", "River", "Hill", "Moor", "West", "North", "Cross", "Market", "Abbey", "Cathedral",
    "Clarence", "Wellington", "Nelson", "Trafalgar", "Alma", "Cardigan", "Roundhay", "Headingley", "Harewood", "Kirkgate",
)  # fmt: skip
STREET_KINDS = (
    "Road",
    "Road",
    "Road",
    "Street",
    "Street",
    "Lane",
    "Lane",
    "Avenue",
    "Close",
    "Drive",
    "Terrace",
    "Gardens",
    "Grove",
)
HOUSES = (
    "Flat 1",
    "Flat 2",
    "Flat 4B",
    "Apartment 12",
    "The Coach House",
    "Rose Cottage",
    "Unit 3",
    "Ground floor",
)
LABELS = ("Work", "Holiday home", "Mum and Dad", "Shop", "Warehouse", "Summer home", "Office")

COMPANY_ENDINGS = (
    "Wines Ltd",
    "& Sons Ltd",
    "Hospitality Ltd",
    "Catering Ltd",
    "Foods Ltd",
    "& Daughters Ltd",
    "Trading Ltd",
)
TRADING = (
    "The Copper Kettle", "The Old Bakery", "The Gather Kitchen", "Bar Ibérico", "The Fox & Grapes", "Salt and Vine", "The Corner Table",
    "Osteria Lucia", "The Railway Arms", "Casa Alentejo", "The Lamb Inn", "Northbound Deli", "The Pantry", "Chez Margot", "The Quiet Pig",
)  # fmt: skip

# Article, price in pence.
WINES = (
    ("Chablis Premier Cru 2022", 2895), ("Barolo Serralunga 2019", 4250), ("Rioja Reserva 2018", 1695), ("Picpoul de Pinet 2024", 1095),
    ("Sancerre Les Caillottes 2023", 2195), ("Malbec Valle de Uco 2022", 1350), ("Grüner Veltliner Federspiel 2023", 1595),
    ("Vinho Verde Loureiro 2024", 1150), ("Côtes du Rhône Villages 2022", 1275), ("Albariño Rías Baixas 2023", 1650),
    ("Chianti Classico 2021", 1795), ("Pinot Noir Marlborough 2022", 1850), ("English Sparkling Brut NV", 3200),
    ("Champagne Blanc de Blancs NV", 4495), ("Prosecco Superiore 2024", 1450), ("Riesling Kabinett 2022", 1695),
    ("Manzanilla En Rama", 1395), ("Late Bottled Vintage Port 2017", 1950), ("Tasting case: reds of the north", 9600),
    ("Tasting case: summer whites", 8400), ("Wine club case", 12000), ("Six glasses, hand blown", 5400), ("Corkscrew, boxwood", 2250),
)  # fmt: skip
CARRIERS = (
    ("DPD", "1550{:010d}"),
    ("Royal Mail", "RM{:09d}GB"),
    ("Parcelforce", "PB{:09d}GB"),
    ("Own van", "VAN-{:06d}"),
)

NOTES = (
    "Prefers deliveries after 4 pm; the dog is friendly.",
    "Asked about the spring tasting. Would bring two friends.",
    "Rang about a corked bottle of Rioja; a replacement went out the same day.",
    "Likes to be told when the Grüner Veltliner is back in stock.",
    "Please leave parcels with the neighbour at number 9.",
    "Moved house in the summer; check the address when they next ring.",
    "Buys for the office party every December, usually four mixed cases.",
    "Speaks little English on the phone; email works better.",
    "Interested in the wine club but wants to skip August.",
    "Compliment: the hand-written card in the last case was appreciated.",
    "Wants invoices to go to the accounts office, not to the restaurant.",
    "Asked for a statement of the last two quarters; sent by post.",
)
TASKS = (
    "Ring back about the damaged case.",
    "Send the new trade price list.",
    "Check the VAT number with the customer.",
    "Confirm the delivery window for the wedding order.",
    "Chase the overdue invoice.",
    "Ask for a second reference for the trade account.",
    "Post the replacement loyalty card.",
)
WATCHES = (
    "Has returned several cases as damaged; ask for photographs before refunding.",
    "Cheques were returned twice this year: cleared funds only.",
    "Do not leave parcels unattended, two went missing at this address.",
    "Somebody else has rung in this customer's name. Verify by calling back.",
    "Disputes every courier charge: agree delivery in writing first.",
)
ORDER_NOTES = (
    "Please ring the bell twice.",
    "It is a gift, no prices please.",
    "Leave with the neighbour.",
    "Deliver to the side door.",
)
GOODWILL = (
    "Sorry for the late delivery",
    "Corked bottle",
    "Guest checkout, points credited by hand",
    "Thank you for the referral",
)
PAYMENT_COMMENTS = (
    "Paid by phone",
    "Part payment, rest at the end of the month",
    "Two invoices in one transfer",
)
REGIONS = ["Burgundy", "Rioja", "Piedmont", "Douro", "Mosel", "Marlborough", "Stellenbosch"]

# The dozen people of the pictures in the manual: first name, last name, email, postcode, town, status, type, class.
CAST = (
    ("Rashid", "Karim", "LS2 9JT", "Leeds", "registered", "trade", "Friends & family"),
    ("Daniel", "Achterberg", "BS6 5QA", "Bristol", "registered", "retail", "Friends & family"),
    ("Chiara", "Bonetti", "EH3 6QB", "Edinburgh", "registered", "trade", "Standard"),
    ("Saoirse", "Byrne", "M1 4BT", "Manchester", "in_store", "retail", "Wholesale"),
    ("Inês", "Carvalho", "BS6 5QA", "Bristol", "pending_approval", "trade", "Friends & family"),
    ("Maud", "Fennimore", "M1 4BT", "Manchester", "registered", "retail", "Friends & family"),
    ("Orla", "Keane", "LS2 9JT", "Leeds", "guest", "retail", "Standard"),
    ("Lewis", "Mackay", "CF10 1EP", "Cardiff", "registered", "retail", "Friends & family"),
    ("Tomasz", "Nowak", "BS6 5QA", "Bristol", "registered", "agent", "Standard"),
    ("Beatrix", "Oyelaran", "LS2 9JT", "Leeds", "in_store", "retail", "Wine club"),
    ("Hugh", "Pemberton-Lyle", "LS2 9JT", "Leeds", "registered", "retail", "Friends & family"),
    ("Gareth", "Prosser", "EH3 6QB", "Edinburgh", "pending_approval", "trade", "Wholesale"),
)  # fmt: skip
